//! The objects of an overlay, each with the fields that its type has.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    autoscaling::v2::HorizontalPodAutoscaler,
    core::v1::{ConfigMap, Namespace, Service, ServiceAccount},
    networking::v1::NetworkPolicy,
    policy::v1::PodDisruptionBudget,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// Fails if the object has a field that its type does not know: a misspelt field would be ignored.
fn has_only_known_fields<T: DeserializeOwned + Serialize>(object: &Value) {
    let typed: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"));
    assert_eq!(&serde_json::to_value(&typed).unwrap(), object);
}

/// Fails if an object has a field that its kind does not know, or is of a kind that no export has.
pub(crate) fn check(object: &Value) {
    let kind = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    match kind {
        ("apps/v1", "Deployment") => has_only_known_fields::<Deployment>(object),
        ("apps/v1", "StatefulSet") => has_only_known_fields::<StatefulSet>(object),
        ("autoscaling/v2", "HorizontalPodAutoscaler") => {
            has_only_known_fields::<HorizontalPodAutoscaler>(object);
        }
        ("networking.k8s.io/v1", "NetworkPolicy") => has_only_known_fields::<NetworkPolicy>(object),
        ("policy/v1", "PodDisruptionBudget") => has_only_known_fields::<PodDisruptionBudget>(object),
        ("v1", "ConfigMap") => has_only_known_fields::<ConfigMap>(object),
        ("v1", "Namespace") => has_only_known_fields::<Namespace>(object),
        ("v1", "Service") => has_only_known_fields::<Service>(object),
        ("v1", "ServiceAccount") => has_only_known_fields::<ServiceAccount>(object),
        // Only `kubectl` parses this kind; a test runs it.
        ("kustomize.config.k8s.io/v1beta1", "Kustomization") => {}
        other => panic!("the exporter writes no {other:?}"),
    }
}

/// The objects of a file.
pub(crate) fn objects(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// The objects of a kind.
pub(crate) fn of<T: DeserializeOwned>(objects: &[Value], kind: &str) -> Vec<T> {
    let found = objects.iter().filter(|object| object["kind"] == kind);
    found.map(|object| serde_json::from_value(object.clone()).unwrap()).collect()
}
