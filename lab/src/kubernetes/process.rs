//! A process: its deployment, its service, and how many pods it has.

use runtime::BackingKind;

use super::{Export, IMAGE, INTERNAL_PORT, PUBLIC_PORT, hosts::limits};
use crate::plan::ProcessPlan;

/// The user of the image.
const USER: u32 = 10_001;

/// Pods that a process always has: one may go with its machine.
const LEAST_PODS: usize = 2;

/// How long a pod that is told to stop goes on as before, until no new connection comes, seconds.
const PRE_STOP_S: u64 = 5;

/// The objects of a process.
pub(super) fn text(export: &Export<'_>, process: &ProcessPlan) -> String {
    let mut objects = vec![about(export, process) + &deployment(export, process), service(export, process)];
    match Pods::of(export, process) {
        Pods::Exactly(1) => {}
        Pods::Exactly(_) => objects.push(disruption(export, process)),
        Pods::AtLeast(least) => {
            objects.extend([disruption(export, process), autoscaler(export, process, least)]);
        }
    }
    objects.join("---\n")
}

/// How many pods a process has.
#[derive(Clone, Copy)]
enum Pods {
    /// As many as its load needs.
    AtLeast(usize),
    /// So many: each keeps something in its memory, and the wiring promises what so many keep.
    Exactly(usize),
}

impl Pods {
    fn of(export: &Export<'_>, process: &ProcessPlan) -> Self {
        let copies = export.arm.processes.iter().filter(|other| other.shape == process.shape).count();
        let wiring = &export.arm.wiring;
        let keeps = |component: &&str| (wiring.system().keeps)(wiring, component);
        if process.components.iter().any(keeps) {
            Self::Exactly(copies)
        } else {
            Self::AtLeast(copies.max(LEAST_PODS))
        }
    }

    /// The lines of a deployment that say how many there are.
    fn number(self) -> String {
        match self {
            Self::AtLeast(_) => {
                "  # No `replicas`: the autoscaler below decides, and applying this file again must not undo what it did.\n"
                    .to_owned()
            }
            Self::Exactly(1) => {
                "  # What it keeps is in its memory: a second one would not know of it.\n  replicas: 1\n".to_owned()
            }
            Self::Exactly(many) => {
                format!("  # Each keeps its own in its memory, and the wiring promises what so many keep.\n  replicas: {many}\n")
            }
        }
    }

    /// How new ones take the place of old ones.
    fn strategy(self) -> &'static str {
        match self {
            Self::AtLeast(_) => {
                "    rollingUpdate:\n      # A new pod is ready before an old one goes.\n      maxSurge: 1\n      maxUnavailable: 0\n"
            }
            Self::Exactly(1) => "    # The old pod goes before the new one comes.\n    type: Recreate\n",
            Self::Exactly(_) => {
                "    rollingUpdate:\n      # An old pod goes before a new one comes.\n      maxSurge: 0\n      maxUnavailable: 1\n"
            }
        }
    }
}

fn about(export: &Export<'_>, process: &ProcessPlan) -> String {
    let edge = process.edge.then(|| "serves the public API".to_owned());
    let hosts =
        (!process.components.is_empty()).then(|| format!("hosts {}", process.components.join(" and ")));
    let does = edge.into_iter().chain(hosts).collect::<Vec<_>>().join(" and ");
    format!("# The process `{}` of `{}`: it {does}.\n", process.shape, export.wiring)
}

fn deployment(export: &Export<'_>, process: &ProcessPlan) -> String {
    let (name, pods) = (process.shape, Pods::of(export, process));
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {full}
  labels:
{labels_4}
spec:
{pods}  revisionHistoryLimit: 3
  selector:
    matchLabels:
{labels_6}
  strategy:
{strategy}  template:
    metadata:
      labels:
{labels_8}
      annotations:
        prometheus.io/scrape: \"true\"
        prometheus.io/port: \"{INTERNAL_PORT}\"
        prometheus.io/path: /metrics
{pod}",
        full = export.name(name),
        labels_4 = export.labels(name, 4),
        labels_6 = export.labels(name, 6),
        labels_8 = export.labels(name, 8),
        pod = pod(export, process),
        pods = pods.number(),
        strategy = pods.strategy(),
    )
}

fn pod(export: &Export<'_>, process: &ProcessPlan) -> String {
    let name = process.shape;
    format!(
        "    \
    spec:
      serviceAccountName: {system}
      automountServiceAccountToken: false
      # A process is told everything by its host file, and nothing by variables.
      enableServiceLinks: false
      terminationGracePeriodSeconds: {grace}
      securityContext:
        runAsNonRoot: true
        runAsUser: {USER}
        runAsGroup: {USER}
        seccompProfile:
          type: RuntimeDefault
      # The pods of a process stand on different machines where there are several.
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
{labels}
      containers:
        - name: {name}
{container}      volumes:
        - name: host
          configMap:
            name: {full}-host
",
        full = export.name(name),
        system = export.system(),
        grace = PRE_STOP_S + limits().grace().as_secs(),
        labels = export.labels(name, 14),
        container = container(export, process),
    )
}

fn container(export: &Export<'_>, process: &ProcessPlan) -> String {
    let public = format!("            - name: public\n              containerPort: {PUBLIC_PORT}\n");
    format!(
        "          \
          image: {IMAGE}
          args:
            - host
            - /etc/lab/host.toml
{password}          ports:
{public}            - name: internal
              containerPort: {INTERNAL_PORT}
{probes}          lifecycle:
            preStop:
              # Until every machine has heard that this pod is going, requests still come.
              sleep:
                seconds: {PRE_STOP_S}
          resources:
            requests:
              cpu: 100m
              memory: 64Mi
            # No limit on CPU: one that is reached makes every request wait for the next period.
            limits:
              memory: 256Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
          volumeMounts:
            - name: host
              mountPath: /etc/lab
              readOnly: true
",
        password = password(export, process),
        public = if process.edge { public.as_str() } else { "" },
        probes = PROBES,
    )
}

/// When a pod is there, when it gets requests, and when it is started again.
const PROBES: &str = "          \
          # It answers as soon as it runs; the other probes wait for this one.
          startupProbe:
            httpGet:
              path: /health/live
              port: internal
            periodSeconds: 1
            failureThreshold: 60
          # Ready: it has started, and is not stopping. A pod that waits for a store gets no requests, and is left alone:
          # to start it again would bring the store no nearer. `kubectl rollout status` gives up after ten minutes.
          readinessProbe:
            httpGet:
              path: /health/ready
              port: internal
            periodSeconds: 5
            timeoutSeconds: 2
          # Alive: it answers at all, whatever its stores do. A pod that does not is started again.
          livenessProbe:
            httpGet:
              path: /health/live
              port: internal
            periodSeconds: 10
            timeoutSeconds: 2
            failureThreshold: 3
";

/// The database's password, for a process that has a database.
fn password(export: &Export<'_>, process: &ProcessPlan) -> String {
    let needs = export.arm.backings.iter();
    let mut of_process = needs.filter(|need| process.roles.contains(&need.role));
    if !of_process.any(|need| need.kind == BackingKind::Postgres) {
        return String::new();
    }
    format!(
        "          \
          env:
            # Read by the database's driver, so that the host file needs no password.
            - name: PGPASSWORD
              valueFrom:
                secretKeyRef:
                  name: {}
                  key: password
",
        export.name(BackingKind::Postgres.name())
    )
}

fn service(export: &Export<'_>, process: &ProcessPlan) -> String {
    let name = process.shape;
    let public = "    - name: public\n      port: 80\n      targetPort: public\n";
    format!(
        "\
apiVersion: v1
kind: Service
metadata:
  name: {full}
  labels:
{labels}
spec:
  selector:
{selector}
  ports:
{public}    - name: internal
      port: {INTERNAL_PORT}
      targetPort: internal
",
        full = export.name(name),
        labels = export.labels(name, 4),
        selector = export.labels(name, 4),
        public = if process.edge { public } else { "" },
    )
}

fn disruption(export: &Export<'_>, process: &ProcessPlan) -> String {
    format!(
        "\
# Machines are emptied one pod at a time.
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {full}
  labels:
{labels}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
{selector}
",
        full = export.name(process.shape),
        labels = export.labels(process.shape, 4),
        selector = export.labels(process.shape, 6),
    )
}

fn autoscaler(export: &Export<'_>, process: &ProcessPlan, least: usize) -> String {
    format!(
        "\
# More pods when they use more than seven tenths of the CPU that they ask for, on average.
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {full}
  labels:
{labels}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {full}
  minReplicas: {least}
  maxReplicas: {most}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: 70
",
        full = export.name(process.shape),
        labels = export.labels(process.shape, 4),
        most = least * 4,
    )
}
