"""The plugin `pulumi-resource-pulumi-python` of the simulated site: it serves `pulumi.dynamic` resources.

The server itself is the SDK's; the plugin of an official installation of Pulumi is a script that starts it likewise.
"""

import runpy
import sys

if __name__ == "__main__":
    sys.argv[0] = "pulumi-resource-pulumi-python"
    runpy.run_module("pulumi.dynamic", run_name="__main__", alter_sys=True)
