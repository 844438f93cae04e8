//! Who may talk to whom in a wiring; the base forbids everything else.

use super::{Export, INTERNAL_PORT, PUBLIC_PORT, stores};

/// The policies of a wiring.
pub(super) fn text(export: &Export<'_>) -> String {
    [public(export), internal(export), to_stores(export)].join("---\n")
}

/// The public API is for everybody in the cluster, an ingress above all.
fn public(export: &Export<'_>) -> String {
    let edge = export.arm.edge().shape;
    format!(
        "\
# Everybody may call the public API.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {name}
spec:
  podSelector:
    matchLabels:
{labels}
  policyTypes:
    - Ingress
  ingress:
    - ports:
        - protocol: TCP
          port: {PUBLIC_PORT}
",
        name = export.name("allow-public"),
        labels = export.labels(edge, 6),
    )
}

fn internal(export: &Export<'_>) -> String {
    format!(
        "\
# Processes of this wiring may call each other, and a Prometheus in `monitoring` may read their metrics.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {name}
spec:
  podSelector:
    matchLabels:
      {instance}
  policyTypes:
    - Ingress
    - Egress
  ingress:
    - from:
        - podSelector:
            matchLabels:
              {instance}
        - namespaceSelector:
            matchLabels:
              kubernetes.io/metadata.name: monitoring
      ports:
        - protocol: TCP
          port: {INTERNAL_PORT}
  egress:
    - to:
        - podSelector:
            matchLabels:
              {instance}
      ports:
        - protocol: TCP
          port: {INTERNAL_PORT}
",
        name = export.name("allow-internal"),
        instance = export.instance(),
    )
}

fn to_stores(export: &Export<'_>) -> String {
    let ports = export.stores().into_iter().map(|kind| {
        let port = stores::port(kind);
        format!("        - protocol: TCP\n          port: {port}\n")
    });
    format!(
        "\
# The stores may be anywhere, in the cluster or outside of it: by port, because a policy knows no names.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {name}
spec:
  podSelector:
    matchLabels:
      {instance}
  policyTypes:
    - Egress
  egress:
    - ports:
{ports}",
        name = export.name("allow-stores"),
        instance = export.instance(),
        ports = ports.collect::<Vec<_>>().concat(),
    )
}
