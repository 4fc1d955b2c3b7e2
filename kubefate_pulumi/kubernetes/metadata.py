"""Names, labels and annotations of objects."""

import hashlib
import json
from collections.abc import Mapping

import pulumi

SKIP_AWAIT = "pulumi.com/skipAwait"
WAIT_FOR = "pulumi.com/waitFor"
CONTENT_HASH = "kubefate.pulumi/content-hash"
"""Annotation of a pod template: a hash of the files that its processes read only at start."""

POD_SECURITY = "pod-security.kubernetes.io"


def pod_security_labels(enforce: str, warn: str) -> dict[str, str]:
    """Return the Pod Security labels of a namespace: the enforced profile, and the one to warn of and audit."""
    return {
        f"{POD_SECURITY}/enforce": enforce,
        f"{POD_SECURITY}/audit": warn,
    }


def content_hash(files: Mapping[str, str]) -> str:
    """Return a short hash of file names and texts; equal files give equal hashes in any order."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()[:16]


def content_hash_of(files: pulumi.Input[Mapping[str, str]]) -> pulumi.Output[str]:
    """Return the content hash of files that are known only during the deployment.

    A hash of secret texts is not secret: it is cut to 64 bits and the texts hold random passwords.
    """
    digest: pulumi.Output[str] = pulumi.Output.from_input(files).apply(content_hash)
    return pulumi.Output.unsecret(digest)
