"""A small kubelet for tests: it runs what is in an API server as real processes.

    with Kubelet(standard_images()) as kubelet:
        site = kubelet.site("party-9999", client)    # anything with `get(path)`: engine.sites.SiteClient
        site.follow("fate-9999", "nginx", "python")  # Deployments, StatefulSets
        kubelet.sync()                               # read the API servers, start, stop, update
        kubelet.wait_ready()
        pod = site.pod_of("fate-9999", "nginx")
        pod.container().execute("nginx", "-v")       # as `kubectl exec`
        kubelet.cage.within(pod.network, call)       # as if from the pod: Python code in its network namespace
        site.rules.asked(), site.rules.carried()     # who called whom

Nothing is read from our own Python objects, nothing happens between two calls of `sync` but probes, restarts and
their consequences, and nothing is left when the process ends, however it ends. For changes under way there are

    with kubelet.following():                        # synchronizes all the time
        project.up("federation")
        kubelet.settle()                             # until no old pod is kept and all are ready

Old pods of a rollout are kept as their Deployment's strategy has it (`rollout`). For controls, give `site` a client
that alters an answer (`dataplane.altered`), or a table with an image changed (`Table.changed`).

| module | idea |
| --- | --- |
| `api` | read objects |
| `atomic`, `volumes` | files |
| `environment`, `fields`, `quantity` | variables and what a pod knows of itself |
| `cage`, `network`, `services`, `rules`, `names` | namespaces, links, Services, DNS |
| `images`, `standard_images` | which program stands for which image; add your own there |
| `security`, `sandbox`, `container` | a container as a process |
| `probes`, `unit`, `pod`, `rollout`, `site`, `kubelet` | lives |
"""
