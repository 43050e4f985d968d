//! Numbers for monitoring, of all that runs.

use control::{Family, MetricKind, Sample};

use super::setup::{Entry, Setup};
use crate::{addon::HookCount, connections::Connections, journal::Journal};

/// Connections that are counted.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Those of clients.
    pub clients: Connections,
    /// Those to servers, and to proxies on the way.
    pub upstream: Connections,
}

/// All numbers there are.
pub(super) fn families(setup: &Setup, journal: &Journal, connections: &Counted, generation: u64) -> Vec<Family> {
    let mut families = journal.families();
    families.extend(of_connections(connections));
    families.extend(of_hooks(setup));
    families.extend(of_addons(setup));
    for family in setup.entries.iter().flat_map(|entry| entry.addon.numbers()) {
        match families.iter_mut().find(|known| known.name == family.name) {
            Some(known) => known.samples.extend(family.samples),
            None => families.push(family),
        }
    }
    // Addons of a configuration can have the same name.
    families.iter_mut().for_each(|family| add_up(&mut family.samples));
    families.push(gauge(
        "proxyhost_generation",
        "The number of the configuration in force.",
        vec![plain(generation as f64)],
    ));
    families
}

fn of_connections(connections: &Counted) -> [Family; 4] {
    let Counted { clients, upstream } = connections;
    [
        gauge(
            "proxyhost_client_connections",
            "Connections of clients that are open.",
            vec![plain(clients.open() as f64)],
        ),
        counter(
            "proxyhost_client_connections_total",
            "Connections that clients have opened.",
            vec![plain(clients.opened() as f64)],
        ),
        gauge(
            "proxyhost_upstream_connections",
            "Connections to servers, and to proxies on the way, that are open.",
            vec![plain(upstream.open() as f64)],
        ),
        counter(
            "proxyhost_upstream_connections_total",
            "Connections that were opened to servers, and to proxies on the way.",
            vec![plain(upstream.opened() as f64)],
        ),
    ]
}

fn of_hooks(setup: &Setup) -> [Family; 3] {
    let by_hook = |value: fn(&HookCount) -> f64| -> Vec<Sample> {
        let of_addon = |entry: &Entry| {
            let hooks = entry.addon.hook_counts().into_iter();
            let labels = |hook: &str| vec![("addon", entry.loaded.name.clone()), ("hook", hook.to_owned())];
            hooks.map(|count| Sample { labels: labels(count.hook), value: value(&count) }).collect::<Vec<_>>()
        };
        setup.entries.iter().flat_map(of_addon).collect()
    };
    [
        counter("proxyhost_hook_calls_total", "Calls of addons' hooks.", by_hook(|count| count.calls as f64)),
        counter("proxyhost_hook_failures_total", "Those that failed.", by_hook(|count| count.failures as f64)),
        counter(
            "proxyhost_hook_seconds_total",
            "Time that they took, waiting included.",
            by_hook(|count| count.time.as_secs_f64()),
        ),
    ]
}

fn of_addons(setup: &Setup) -> [Family; 3] {
    let by_addon = |value: fn(&Entry) -> usize| -> Vec<Sample> {
        let sample =
            |entry: &Entry| Sample { labels: vec![("addon", entry.loaded.name.clone())], value: value(entry) as f64 };
        setup.entries.iter().map(sample).collect()
    };
    [
        gauge("proxyhost_addon_instances", "Instances of an addon.", by_addon(|entry| entry.addon.instances().0)),
        gauge(
            "proxyhost_addon_memory_bytes",
            "Memory of these, with what the host holds for their calls.",
            by_addon(|entry| entry.addon.instances().1),
        ),
        gauge(
            "proxyhost_addon_kept_bytes",
            "What is kept for an addon's flows beyond its calls.",
            by_addon(|entry| entry.addon.kept_bytes()),
        ),
    ]
}

/// Makes one of samples that are of the same: nobody reads numbers that come twice.
fn add_up(samples: &mut Vec<Sample>) {
    let mut all: Vec<Sample> = Vec::with_capacity(samples.len());
    for sample in samples.drain(..) {
        match all.iter_mut().find(|known| known.labels == sample.labels) {
            Some(known) => known.value += sample.value,
            None => all.push(sample),
        }
    }
    *samples = all;
}

fn counter(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, help, kind: MetricKind::Counter, samples }
}

fn gauge(name: &'static str, help: &'static str, samples: Vec<Sample>) -> Family {
    Family { name, help, kind: MetricKind::Gauge, samples }
}

fn plain(value: f64) -> Sample {
    Sample { labels: Vec::new(), value }
}
