"""Small builders of Kubernetes objects. They know nothing of FATE."""
