//! The output of `lab export k8s`: compared with the committed files, with Kubernetes' own types, and checked
//! by `kubectl kustomize`.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

#[path = "kubernetes/committed.rs"]
mod committed;
#[path = "kubernetes/objects.rs"]
mod objects;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use committed::{COMMITTED, FOLDER, OVERLAYS, SYSTEMS, export, files};
use design::{ProcessConfig, Wiring};
use k8s_openapi::{
    api::{
        apps::v1::{Deployment, StatefulSet},
        autoscaling::v2::HorizontalPodAutoscaler,
        core::v1::{ConfigMap, PodSpec, Service},
        networking::v1::NetworkPolicy,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use objects::{check, objects, of};
use runtimes::kubernetes::Export;
use scenario::{plan::ArmPlan, systems};
use serde_json::Value;
use system_tests::tree::root;

#[test]
fn the_committed_files_are_what_the_exporter_writes() {
    let out = tempfile::tempdir().unwrap();
    for arguments in COMMITTED {
        export(out.path(), arguments);
    }
    let of_systems = |folder: &Path| {
        let mut all = BTreeMap::new();
        for system in SYSTEMS {
            let own = files(&folder.join(system)).into_iter();
            all.extend(own.map(|(name, text)| (Path::new(system).join(name), text)));
        }
        all
    };
    let (written, committed) = (of_systems(out.path()), of_systems(&root().join(FOLDER)));
    let names = |files: &BTreeMap<PathBuf, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&written), "`{FOLDER}` has the exporter's files and no other");
    for (name, text) in &written {
        let again = "a changed exporter needs its command again, which stands in `kustomization.yaml`";
        assert_eq!(&committed[name], text, "{}: {again}", name.display());
    }
}

#[test]
fn every_object_has_only_fields_that_kubernetes_knows() {
    let mut counted = 0;
    for (name, text) in files(&root().join(FOLDER)) {
        if name.extension().is_some_and(|extension| extension == "yaml") {
            let objects = objects(&text);
            counted += objects.len();
            objects.iter().for_each(check);
        }
    }
    assert!(counted > 30, "only {counted} objects were found");
}

#[test]
fn a_wiring_may_be_called_by_a_word_that_means_something_in_yaml() {
    for name in ["true", "no", "null"] {
        let out = tempfile::tempdir().unwrap();
        export(out.path(), &format!("shortener --name {name} --set database=postgres"));
        for (file, text) in files(out.path()) {
            if file.extension().is_some_and(|extension| extension == "yaml") {
                objects(&text).iter().for_each(check);
            }
        }
    }
}

#[test]
fn a_misspelt_field_is_seen() {
    let object =
        objects("apiVersion: v1\nkind: ServiceAccount\nautomountServiceAcountToken: false\n").remove(0);
    assert!(std::panic::catch_unwind(|| check(&object)).is_err());
}

/// The committed overlays: system and wiring.
fn overlays() -> impl Iterator<Item = (&'static str, &'static str)> {
    SYSTEMS.into_iter().flat_map(|system| OVERLAYS.into_iter().map(move |overlay| (system, overlay)))
}

/// The output of `kubectl kustomize` for an overlay; `None`, with a message, without `kubectl`.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn built(system: &str, overlay: &str) -> Option<Vec<Value>> {
    let folder = root().join(FOLDER).join(system).join("overlays").join(overlay);
    match Command::new("kubectl").arg("kustomize").arg(folder).output() {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{system}/{overlay}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(objects(&String::from_utf8(output.stdout).unwrap()))
        }
        Err(error) => {
            assert!(std::env::var("CI").is_err(), "CI has to provide `kubectl`: {error}");
            eprintln!(
                "SKIPPED: `kubectl kustomize`; install kubectl (https://kubernetes.io/docs/tasks/tools/)"
            );
            None
        }
    }
}

fn pod(deployment: &Deployment) -> &PodSpec {
    deployment.spec.template.spec.as_ref().unwrap()
}

/// The host in `postgres://lab@HOST:5432/x`, `kafka://HOST:9092`, `HOST:9000`.
fn host(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(':').next().unwrap()
}

#[test]
fn an_overlay_is_whole() {
    for (system, overlay) in overlays() {
        let Some(built) = built(system, overlay) else { return };
        built.iter().for_each(check);
        let services: Vec<Service> = of(&built, "Service");
        let names: BTreeSet<_> =
            services.iter().filter_map(|service| service.metadata.name.as_deref()).collect();
        let maps: BTreeMap<_, _> = of::<ConfigMap>(&built, "ConfigMap")
            .into_iter()
            .map(|map| (map.metadata.name.unwrap(), map.data.unwrap()))
            // A payment provider has a configuration of its own kind.
            .filter(|(_, data)| data.contains_key("host.toml"))
            .collect();
        let deployments: Vec<Deployment> = of(&built, "Deployment");
        assert!(
            !deployments.is_empty() && deployments.len() == maps.len(),
            "a process configuration a process"
        );
        for deployment in &deployments {
            let volumes = pod(deployment).volumes.as_ref().unwrap();
            let map = volumes.iter().find_map(|volume| volume.config_map.as_ref()).unwrap();
            let told: ProcessConfig = toml::from_str(&maps[&map.name]["host.toml"]).unwrap();
            for address in told.backings.values().chain(told.peers.values().flatten()) {
                assert!(names.contains(host(address)), "{system}/{overlay}: nobody is called `{address}`");
            }
        }
    }
}

#[test]
fn no_pod_has_a_right_that_it_does_not_need_and_no_file_holds_a_password() {
    for (system, overlay) in overlays() {
        let Some(built) = built(system, overlay) else { return };
        assert!(built.iter().all(|object| object["kind"] != "Secret"), "the person makes the secrets");
        for map in of::<ConfigMap>(&built, "ConfigMap") {
            let Some(host) = map.data.unwrap().remove("host.toml") else { continue };
            let told: ProcessConfig = toml::from_str(&host).unwrap();
            for address in told.backings.values() {
                let credentials = address.split_once("://").unwrap().1.split_once('@').map(|(who, _)| who);
                assert!(credentials.is_none_or(|who| !who.contains(':')), "a password in `{address}`");
            }
        }
        for deployment in of::<Deployment>(&built, "Deployment") {
            let pod = pod(&deployment);
            assert_eq!(pod.automount_service_account_token, Some(false));
            assert_eq!(pod.security_context.as_ref().unwrap().run_as_non_root, Some(true));
            for container in &pod.containers {
                let security = container.security_context.as_ref().unwrap();
                assert_eq!(security.read_only_root_filesystem, Some(true));
                assert_eq!(security.allow_privilege_escalation, Some(false));
                assert!(container.resources.as_ref().unwrap().limits.is_some());
                assert!(container.startup_probe.is_some() && container.liveness_probe.is_some());
                assert!(container.readiness_probe.is_some());
                for variable in container.env.iter().flatten() {
                    assert!(variable.value.is_none(), "`{}` comes from a secret", variable.name);
                }
            }
        }
    }
}

/// The kind, namespace and name of an object.
fn identity(object: &Value) -> [String; 3] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    [text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"])]
}

#[test]
fn a_wiring_can_be_removed_and_another_stays_whole() {
    let identities =
        |overlay| Some(built("shortener", overlay)?.iter().map(identity).collect::<BTreeSet<_>>());
    let Some((one, other)) = identities("monolith").zip(identities("microservices")) else { return };
    assert_eq!(one.intersection(&other).collect::<Vec<_>>(), Vec::<&[String; 3]>::new(), "they share it");
    for (objects, namespace) in [(one, "shortener-monolith"), (other, "shortener-microservices")] {
        let own = ["Namespace".to_owned(), String::new(), namespace.to_owned()];
        assert!(objects.contains(&own), "{objects:?}");
        for [kind, within, name] in &objects {
            assert!(kind == "Namespace" || within == namespace, "the {kind} `{name}` is in `{within}`");
        }
        for kind in ["ServiceAccount", "NetworkPolicy"] {
            assert!(objects.iter().any(|[of, ..]| of == kind), "`{namespace}` has its own {kind}");
        }
    }
}

/// The process configuration of each process.
fn hosts_of(files: &[(String, String)]) -> Vec<ProcessConfig> {
    let hosts = files.iter().filter(|(name, _)| name.contains("/hosts/"));
    hosts.map(|(_, text)| toml::from_str(text).unwrap()).collect()
}

/// What a wiring with all state in stores owns there: databases, and prefixes of keys.
fn own_in_stores(system: &str, cache: (&str, &str), name: &str) -> BTreeSet<String> {
    let wiring = Wiring::with(systems::find(system).unwrap(), [("database", "postgres"), cache]).unwrap();
    let arm = ArmPlan::new(name.to_owned(), wiring);
    let files = Export::new(&arm, name, &[], "").unwrap().files();
    let backings = hosts_of(&files).into_iter().flat_map(|host| host.backings.into_values());
    backings.map(|address| address.rsplit_once(['#', '/']).unwrap().1.to_owned()).collect()
}

#[test]
fn wirings_of_one_name_in_two_systems_share_no_database_and_no_prefix() {
    let one = own_in_stores("shortener", ("cache", "redis"), "monolith");
    let other = own_in_stores("limiter", ("state", "redis"), "monolith");
    assert_eq!((one.len(), other.len()), (2, 2), "{one:?} {other:?}");
    assert!(one.is_disjoint(&other), "{one:?} {other:?}");
    let guide = fs::read_to_string(root().join(FOLDER).join("README.md")).unwrap();
    for own in one {
        let removes = [format!("DROP DATABASE {own}"), format!("--pattern '{own}:*'")];
        assert!(removes.iter().any(|command| guide.contains(command)), "the guide does not remove `{own}`");
    }
}

#[test]
fn a_payment_provider_runs_in_the_cluster_with_books_on_a_volume() {
    let wiring = Wiring::with(&echo_app::SYSTEM, [("placement", "microservices"), ("tolls", "provider")]);
    let arm = ArmPlan::new("tolled".to_owned(), wiring.unwrap());
    let files = Export::new(&arm, "tolled", &[], "").unwrap().files();
    let text = |name: &str| &files.iter().find(|(file, _)| file.ends_with(name)).unwrap().1;
    let is_yaml = |name: &str| Path::new(name).extension().is_some_and(|kind| kind == "yaml");
    let yaml = files.iter().filter(|(name, _)| is_yaml(name));
    let objects: Vec<Value> = yaml.flat_map(|(_, text)| objects(text)).collect();
    objects.iter().for_each(check);
    let [set] = <[StatefulSet; 1]>::try_from(of(&objects, "StatefulSet")).unwrap();
    let spec = set.spec;
    assert_eq!(spec.replicas, Some(1));
    let claims = spec.volume_claim_templates.unwrap();
    let pod = spec.template.spec.unwrap();
    let mounts = pod.containers[0].volume_mounts.as_ref().unwrap();
    let books = mounts.iter().find(|mount| Some(&mount.name) == claims[0].metadata.name.as_ref()).unwrap();
    let config = payment_provider::Config::parse(text("/provider.toml")).unwrap();
    assert!(config.books.starts_with(&books.mount_path), "{}", books.mount_path);
    assert!(text("tolled/kustomization.yaml").contains("- provider.yaml\n"));
    let hosts = hosts_of(&files);
    let echoes = hosts.iter().find(|host| host.process == "echoes").unwrap();
    assert_eq!(echoes.backings["tolls"], "http://tolled-provider:7070/#http://tolled-gateway");
    let services: Vec<Service> = of(&objects, "Service");
    for name in ["tolled-provider", "tolled-gateway"] {
        assert!(services.iter().any(|service| service.metadata.name.as_deref() == Some(name)), "{name}");
    }
    assert!(!files.iter().any(|(name, _)| name.ends_with("stores.yaml")), "no store is outside");
}

/// The objects and process configurations of every wiring of the limiter with another location of the counts.
fn limiters() -> Vec<(Wiring, Vec<Value>, Vec<ProcessConfig>)> {
    let system = systems::find("limiter").unwrap();
    let of = |placement, state, replicas| {
        let choices =
            [("placement", placement), ("state", state), ("replicas", replicas), ("database", "postgres")];
        let wiring = Wiring::with(system, choices).unwrap();
        let arm = ArmPlan::new("limiter".to_owned(), wiring.clone());
        let files = Export::new(&arm, "limiter", &[], "").unwrap().files();
        let yaml =
            files.iter().filter(|(name, _)| Path::new(name).extension().is_some_and(|kind| kind == "yaml"));
        (wiring, yaml.flat_map(|(_, text)| objects(text)).collect(), hosts_of(&files))
    };
    let mut all = Vec::new();
    for state in system.values("state") {
        all.push(of("monolith", state, "1"));
        for placement in ["microservices", "decisions-apart"] {
            all.extend(["1", "2"].map(|replicas| of(placement, state, replicas)));
        }
    }
    all
}

#[test]
fn a_process_that_keeps_counts_has_as_many_pods_as_its_wiring_promises_for() {
    for (wiring, objects, _) in limiters() {
        objects.iter().for_each(check);
        let keeper = match wiring.get("state") {
            "local" | "synced" => wiring.host_of("decisions"),
            "service" => wiring.host_of("counts"),
            _ => None,
        };
        let scaled: BTreeSet<_> = of::<HorizontalPodAutoscaler>(&objects, "HorizontalPodAutoscaler")
            .into_iter()
            .map(|scaler| scaler.spec.scale_target_ref.name)
            .collect();
        for deployment in of::<Deployment>(&objects, "Deployment") {
            let name = deployment.metadata.name.clone().unwrap();
            let is_keeper = keeper.is_some_and(|shape| name == format!("limiter-{}", shape.name));
            assert_eq!(scaled.contains(&name), !is_keeper, "{wiring:?}: is `{name}` scaled?");
            let promised = keeper.filter(|_| is_keeper).map(|shape| wiring.replicas(shape).cast_signed());
            assert_eq!(deployment.spec.replicas, promised, "{wiring:?}: `{name}`");
            let strategy = deployment.spec.strategy.unwrap();
            let surge = strategy.rolling_update.and_then(|rolling| rolling.max_surge);
            let surges = surge.is_some_and(|surge| surge != IntOrString::Int(0));
            assert_eq!(surges, !is_keeper, "{wiring:?}: is there ever one `{name}` too many?");
        }
    }
}

#[test]
fn every_pod_is_given_time_to_go() {
    for (wiring, objects, hosts) in limiters() {
        let deployments: Vec<Deployment> = of(&objects, "Deployment");
        assert_eq!(deployments.len(), wiring.processes().count(), "{wiring:?}");
        for deployment in deployments {
            let name = deployment.metadata.name.as_ref().unwrap();
            let pod = pod(&deployment);
            let lifecycle = pod.containers[0].lifecycle.as_ref().unwrap();
            let pause = lifecycle.pre_stop.as_ref().unwrap().sleep.as_ref().unwrap().seconds;
            let host = hosts.iter().find(|host| *name == format!("limiter-{}", host.process)).unwrap();
            let grace = i64::try_from(host.limits.grace().as_secs()).unwrap();
            assert!(pod.termination_grace_period_seconds.unwrap() >= pause + grace, "{wiring:?}: `{name}`");
            let volumes = pod.volumes.iter().flatten();
            let on_disk = volumes.filter(|volume| volume.empty_dir.is_some()).count();
            assert_eq!(on_disk, 0, "`kubectl drain` refuses to move what a pod has on its machine's disk");
        }
    }
}

#[test]
fn a_client_comes_back_to_its_pod_where_sessions_are_sticky() {
    let system = systems::find("chat").unwrap();
    for (sessions, affinity) in [("sticky", Some("ClientIP")), ("any", None)] {
        let choices = [
            ("placement", "microservices"),
            ("database", "postgres"),
            ("fanout", "redis"),
            ("replicas", "2"),
        ];
        let wiring = Wiring::with(system, choices.into_iter().chain([("sessions", sessions)])).unwrap();
        let arm = ArmPlan::new("chat".to_owned(), wiring);
        let files = Export::new(&arm, "chat", &[], "").unwrap().files();
        let processes = files.iter().filter(|(_, text)| text.contains("kind: Deployment\n"));
        let services = processes.flat_map(|(_, text)| of::<Service>(&objects(text), "Service"));
        let told: BTreeMap<_, _> = services
            .map(|service| (service.metadata.name.unwrap(), service.spec.unwrap().session_affinity))
            .collect();
        let of_gateway = affinity.map(str::to_owned);
        let expected = ["gateway", "messages", "presence", "rooms"]
            .map(|process| (format!("chat-{process}"), of_gateway.clone().filter(|_| process == "gateway")));
        assert_eq!(told, BTreeMap::from(expected), "sessions={sessions}");
    }
}

#[test]
fn only_the_process_with_the_edge_is_open_to_everybody() {
    for system in SYSTEMS {
        let Some(built) = built(system, "microservices") else { return };
        only_the_gateway_is_open(&built);
    }
}

fn only_the_gateway_is_open(built: &[Value]) {
    let open: Vec<_> = of::<NetworkPolicy>(built, "NetworkPolicy")
        .into_iter()
        .filter_map(|policy| policy.spec)
        .filter(|spec| spec.ingress.iter().flatten().any(|rule| rule.from.is_none()))
        .collect();
    assert_eq!(open.len(), 1);
    let of_whom = open[0].pod_selector.as_ref().unwrap().match_labels.as_ref().unwrap();
    assert_eq!(of_whom["app.kubernetes.io/name"], "gateway");
}

#[test]
fn a_wiring_that_keeps_its_data_in_files_is_refused() {
    let wiring = Wiring::defaults(systems::find("shortener").unwrap());
    let arm = ArmPlan::new("monolith".to_owned(), wiring);
    let Err(complaint) = Export::new(&arm, "monolith", &[], "") else { panic!("a file belongs to one pod") };
    let text = complaint.to_string();
    assert!(text.contains("`database=sqlite`") && text.contains("hint: `--set database=postgres`"), "{text}");
}
