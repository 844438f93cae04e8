//! What a system's wirings share.

/// Every file of the base: name and text.
pub(super) fn files(system: &str) -> [(&'static str, String); 4] {
    [
        ("kustomization.yaml", kustomization(system)),
        ("namespace.yaml", namespace(system)),
        ("service-account.yaml", service_account(system)),
        ("network.yaml", network(system)),
    ]
}

fn kustomization(system: &str) -> String {
    format!(
        "\
# What every wiring of the {system} stands on. Written by `lab export k8s {system}`.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {system}
resources:
  - namespace.yaml
  - service-account.yaml
  - network.yaml
"
    )
}

fn namespace(system: &str) -> String {
    format!(
        "\
apiVersion: v1
kind: Namespace
metadata:
  name: {system}
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
