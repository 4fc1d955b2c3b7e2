"""What `pulumi up` runs."""

from kubefate_pulumi.program.run import run

run()
