"""A local site to try and test on: real Kubernetes control planes whose nodes are simulated.

`manager.Simulator` is the way in. What is real and what stands in for a real part is told in docs/simulated-site.md.
"""
