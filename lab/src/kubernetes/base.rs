//! What each of a system's wirings has, in the same words.

/// Every file of the base: name and text.
pub(super) fn files(system: &str) -> [(&'static str, String); 3] {
    [
        ("kustomization.yaml", kustomization(system)),
        ("service-account.yaml", service_account(system)),
        ("network.yaml", network(system)),
    ]
}

fn kustomization(system: &str) -> String {
    format!(
        "\
# What every wiring of the {system} has for itself, in its own namespace. Written by `lab export k8s {system}`.
# An overlay names the namespace: by itself this would be applied to whichever is the current one.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
  - service-account.yaml
  - network.yaml
"
    )
}

/// The namespace of one wiring: with it goes everything of that wiring, and nothing of another.
pub(super) fn namespace(name: &str) -> String {
    format!(
        "\
# All of this wiring is here, and nothing else: with the namespace it goes.
apiVersion: v1
kind: Namespace
metadata:
  name: {name}
  labels:
    # A pod that asks for a right is refused.
    pod-security.kubernetes.io/enforce: restricted
"
    )
}

fn service_account(system: &str) -> String {
    format!(
        "\
# No process asks Kubernetes anything, so none gets a token for it.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {system}
automountServiceAccountToken: false
"
    )
}

fn network(system: &str) -> String {
    format!(
        "\
# Nothing may talk to anything, but to the name service; each wiring adds what it needs.
# Policies add up, and a cluster whose network knows none lets everything through.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {system}-deny-all
spec:
  podSelector: {{}}
  policyTypes:
    - Ingress
    - Egress
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {system}-allow-names
spec:
  podSelector: {{}}
  policyTypes:
    - Egress
  egress:
    - to:
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: kube-system
      ports:
        - protocol: UDP
          port: 53
        - protocol: TCP
          port: 53
"
    )
}
