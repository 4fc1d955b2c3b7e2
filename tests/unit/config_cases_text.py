"""Files that are no YAML, or YAML that readers take for different things; and wrong stack files."""

import base64

from unit.config_files import BASE, CANARY, MYSQL_KEY, PRIVATE_KEY, SITE, UNITS, Case, party, raw, stack

CA_CERTIFICATE = "kubefate:9999-ca-certificate: {secure: v1:abc}\n"
KEY_DATA = base64.b64encode(PRIVATE_KEY.encode()).decode()
SECURE = "{secure: v1:abc}"

CASES: dict[str, Case] = {
    # No text, or no YAML
    "empty file": raw("", 1, "is empty"),
    "only a comment": raw("# site:\n", 1, "is empty"),
    "only a document start": raw("---\n", 1, "is empty"),
    "only null": raw("null\n", 1, "is empty"),
    "byte order mark": raw(b"\xef\xbb\xbf" + SITE.encode(), 1, "byte order mark. Save it as UTF-8"),
    "UTF-16": raw(SITE.encode("utf-16"), 1, "byte order mark"),
    "UTF-16 without mark": raw(SITE.encode("utf-16-le"), 1, "control character"),
    "Latin-1": raw(SITE.encode() + f"# {CANARY} \xfc\n".encode("latin-1"), 4, "is not UTF-8"),
    "control character": raw(f"{SITE}# {CANARY}\x07\n", 4, "control character"),
    "NUL": raw(f"{SITE}\0", 4, "control character"),
    "too large": raw(f"{SITE}# {'x' * (1 << 20)}\n", None, "is larger than 1048576 bytes"),
    "tab for indentation": raw(f"site:\n\tkubernetes: {CANARY}\n", 2, "tab. Indent with spaces only"),
    "open bracket": raw(f"site: [{CANARY}\nb: 1\n", 2, "is not valid YAML"),
    "open quote": raw(f'{SITE}namespace: "{CANARY}\n', 5, "is not valid YAML"),
    "no colon": raw(f"{SITE}{CANARY}\nx: 1\n", 5, "is not valid YAML"),
    "colon in a value": raw(f"{SITE}namespace: a: {CANARY}\n", 4, "is not valid YAML: mapping values are not allowed"),
    "wrong indentation": raw(f"site:\n  kubernetes:\n      context: a\n    x: {CANARY}\n", 4, "is not valid YAML"),
    "unknown escape": raw(f'{SITE}namespace: "\\q{CANARY}"\n', 4, "is not valid YAML"),
    "reserved character": raw(f"{SITE}namespace: @{CANARY}\n", 4, "is not valid YAML"),
    "list at the top": raw(f"- site: {CANARY}\n", 1, "is not a mapping"),
    "text at the top": raw(f"{CANARY}\n", 1, "is not a mapping"),
    "second document": raw(f"{SITE}---\n{SITE}", 4, "holds a second YAML document"),
    "anchor": raw(f"{SITE}namespace: &a {CANARY}\n", 4, "anchor", "namespace"),
    "alias": raw(f"{SITE}namespace: *{CANARY}\n", 4, "alias", "namespace"),
    "merge key": raw(f"{SITE}spark:\n  <<: {{a: {CANARY}}}\n", 5, "merge key", "spark"),
    "tag": raw(f"{SITE}namespace: !!python/object/apply:os.system [{CANARY}]\n", 4, "tag", "namespace"),
    "key that is a list": raw(f"{SITE}? [{CANARY}]\n: 1\n", 4, "has a key that is not text"),
    "key that is no name": raw(f'{SITE}"{CANARY} x": 1\n', 4, "is not a known key", "(a key that is no name)"),
    "half a surrogate pair": raw(f'{SITE}namespace: "\\ud800{CANARY}"\n', 4, "is not valid Unicode", "namespace"),
    "half a surrogate pair as key": raw(f'{SITE}"\\ud800{CANARY}": 1\n', 4, "has a key that is not valid Unicode"),
    "nested too deep": raw(f"{SITE}spark: {'[' * 100_000}\n", 4, "is nested more than 32 deep", "spark" + "[0]" * 31),
    # YAML 1.1 against YAML 1.2
    "on for text": party("namespace: on\n", 4, "namespace", '"on" in quotes'),
    "capital NO": party("namespace: NO\n", 4, "namespace", "Write true or false"),
    "octal": party("spark: {workers: 010}\n", 4, "spark.workers", "Write plain digits"),
    "octal of YAML 1.2": party("spark: {workers: 0o10}\n", 4, "spark.workers", "must be a whole number"),
    "hexadecimal": party("spark: {workers: 0x10}\n", 4, "spark.workers", "Write plain digits"),
    "underscore": party("spark: {workers: 1_000}\n", 4, "spark.workers", "Write plain digits"),
    "exponent": party("spark: {workers: 1.0e+3}\n", 4, "spark.workers", "Write plain digits"),
    "infinity": party("spark: {workers: .inf}\n", 4, "spark.workers", "Write plain digits"),
    "digits without end": party(f"spark: {{workers: {'9' * 5000}}}\n", 4, "spark.workers", "Write plain digits"),
    # Secrets
    "password by name": party(f"mysql_password: {CANARY}\n", 4, "mysql_password", "is a secret in clear"),
    "token": raw(f"{SITE}    token: {CANARY}\n", 4, "is a secret in clear", "site.kubernetes.token"),
    "secret as mapping": party(f"spark: {{secret: {{a: {CANARY}}}}}\n", 4, "spark.secret", "is a secret in clear"),
    "private key in a comment": raw(
        SITE + "".join(f"# {line}\n" for line in PRIVATE_KEY.splitlines()), 4, "is a private key in clear"
    ),
    "private key in base64": party(f"namespace: {KEY_DATA}\n", 4, "namespace", "is a private key in clear"),
    # Stack files
    "stack file that is no YAML": stack(f"config: {{{CANARY}\n", 2, "", "is not valid YAML"),
    "stack without config": stack("encryptionsalt: v1:a\n", 1, "config", "is missing"),
    "config is a list": stack(f"config: [{CANARY}]\n", 1, "config", "must be a mapping"),
    "stack without units": stack("config: {}\n", 1, "config.kubefate:units", "is missing"),
    "units is a word": stack(f"config:\n  kubefate:units: {CANARY}\n", 2, "config.kubefate:units", "must be all, or"),
    "units is a number": stack("config: {kubefate:units: 9999}\n", 1, "config.kubefate:units", "must be all, or"),
    "units is an empty list": stack("config: {kubefate:units: []}\n", 1, "config.kubefate:units", "must be all, or"),
    "unit of nobody": stack(
        f"config:\n  kubefate:units:\n  - 9999\n  - {CANARY}\n", 4, "config.kubefate:units[1]", "is not a unit"
    ),
    "unit that is nearly one": stack(
        "config: {kubefate:units: [exchang]}\n", 1, "config.kubefate:units[0]", "Did you mean exchange?"
    ),
    "unit twice": stack(
        'config: {kubefate:units: [9999, "9999"]}\n', 1, "config.kubefate:units[1]", "names 9999 a second time"
    ),
    "unknown key of ours": stack(f"{UNITS}  kubefate:unit: {CANARY}\n", 3, "config.kubefate:unit", "kubefate:units?"),
    "key without namespace": stack(
        f"{UNITS}  endpoints_only: {CANARY}\n", 3, "config.endpoints_only", "Did you mean kubefate:endpoints_only?"
    ),
    "switch that is none": stack(
        f"{UNITS}  kubefate:endpoints_only: {CANARY}\n", 3, "config.kubefate:endpoints_only", "must be true or false"
    ),
    "key of ours at the top": stack(
        f"{UNITS}kubefate:endpoints_only: {CANARY}\n", 3, "kubefate:endpoints_only", "Move it below config:."
    ),
    "top key that is nearly one": stack(f"{UNITS}encryptionsal: {CANARY}\n", 3, "encryptionsal", "encryptionsalt?"),
    "secret in clear": stack(
        f"{UNITS}  {MYSQL_KEY}: {CANARY}\n",
        3,
        f"config.{MYSQL_KEY}",
        "pulumi config set --secret 9999-mysql-password -s federation",
    ),
    "secret in a list": stack(f"{UNITS}  {MYSQL_KEY}: [{CANARY}]\n", 3, f"config.{MYSQL_KEY}", "is a secret in clear"),
    "secret of another program": stack(
        f"{UNITS}  other:apiToken: {CANARY}\n", 3, "config.other:apiToken", "is a secret in clear"
    ),
    "secret inside a value": stack(
        f"{UNITS}  other:a:\n    password: {CANARY}\n", 4, "config.other:a.password", "--secret --path other:a"
    ),
    "private key in a stack": stack(
        f"{UNITS}  other:a: {KEY_DATA}\n", 3, "config.other:a", "is a secret in clear. Change the secret"
    ),
    "private key in a stack's comment": stack(f"{UNITS}# {KEY_DATA}\n", 3, "", "is a private key in clear"),
    "half an authority": stack(
        f"{UNITS}  {CA_CERTIFICATE}", 3, "config.kubefate:9999-ca-certificate", "needs 9999-ca-private-key beside it"
    ),
    "secret of a unit that is elsewhere": stack(
        f"config:\n  kubefate:units: [10000]\n  {MYSQL_KEY}: {SECURE}\n",
        3,
        f"config.{MYSQL_KEY}",
        "is a secret of 9999, which this stack does not deploy",
    ),
    "secret of a stranger": stack(
        f"{UNITS}  kubefate:7-mysql-password: {SECURE}\n", 3, "config.kubefate:7-mysql-password", "is not a known key"
    ),
    "password of the exchange": stack(
        f"{UNITS}  kubefate:exchange-mysql-password: {SECURE}\n",
        3,
        "config.kubefate:exchange-mysql-password",
        "is not a known key",
    ),
    # Files and directories
    "no federation": Case({"federation.yaml": None}, [("federation.yaml", None, "", "does not exist. Write it")]),
    "nothing at all": Case(
        dict.fromkeys(BASE) | {"other.txt": ""}, [("federation.yaml", None, "", "does not exist. Write it")]
    ),
    "federation misnamed": Case(
        {"federation.yaml": None, "federations.yaml": ""},
        [
            ("federations.yaml", None, "", "is not read. Rename it to federation.yaml"),
            ("federation.yaml", None, "", "does not exist"),
        ],
    ),
    "directory for a file": Case(
        {"parties/9999.yaml": None, "parties/9999.yaml/x": ""},
        [("parties/9999.yaml", None, "", "is a directory, not a file")],
    ),
    "file for a directory": Case({"peers": CANARY}, [("peers", None, "", "cannot be listed (not a directory)")]),
    "party file name with a newline": Case(
        {"parties/9\n9.yaml": SITE}, [("parties/9\n9.yaml", None, "", "must be named after a party id")]
    ),
    "party file name that is no UTF-8": Case(
        {"parties/\udcff.yaml": SITE}, [("parties/\udcff.yaml", None, "", "must be named after a party id")]
    ),
    "several things at once": Case(
        {
            "federation.yaml": BASE["federation.yaml"] + f"token: {CANARY}\nzzz: {CANARY}\n",
            "exchange.yaml": f"site: {CANARY}\nreplicas: {CANARY}\n",
            "parties/9999.yaml": f"{SITE}a: [{CANARY}\n",
            "Pulumi.federation.yaml": f"{UNITS}  {MYSQL_KEY}: {CANARY}\n",
        },
        [
            ("federation.yaml", 6, "token", "is a secret in clear"),
            ("federation.yaml", 7, "zzz", "is not a known key"),
            ("exchange.yaml", 1, "site", "must be a mapping"),
            ("exchange.yaml", 2, "replicas", "must be a whole number"),
            ("parties/9999.yaml", 5, "", "is not valid YAML"),
            ("Pulumi.federation.yaml", 3, f"config.{MYSQL_KEY}", "is a secret in clear"),
        ],
    ),
}
