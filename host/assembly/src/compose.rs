//! Filling the imports that the host does not provide itself: composition of an addon with its plugs.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use wac_graph::{
    CompositionGraph, EncodeOptions, NodeId, PackageId,
    types::{self, are_semver_compatible},
};

/// A component that may be plugged into others.
#[derive(Clone, Debug)]
pub struct Plug {
    /// Its name, for messages.
    pub name: String,
    /// Its bytes.
    pub bytes: Cow<'static, [u8]>,
}

/// An addon with its imports filled.
#[derive(Debug)]
pub struct Composition {
    /// The component.
    pub bytes: Vec<u8>,
    /// Which of the plugs are in it, by position.
    pub used: BTreeSet<usize>,
}

/// What plugs export for the host. Composition would hide it, so it is exported under another name.
const FOR_THE_HOST: [&str; 4] = ["declaration", "lifecycle", "startup", "commands"];

/// The name under which a composition exports an interface that the plug at a position exports for the host.
pub fn export_of_plug(position: usize, interface: &str) -> String {
    format!("plug{position}-{interface}")
}

/// Why an addon cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum PlugError {
    /// The bytes are not a component that can be read.
    #[error("cannot read component `{name}`")]
    Unreadable {
        /// The component.
        name: String,
        /// Why.
        source: Cause,
    },
    /// Nothing exports what the addon imports.
    #[error(
        "`{addon}` imports `{interface}`, which neither the host nor a plug provides; add a component that exports it \
         with `--plug`{here}"
    )]
    Missing {
        /// The component that imports.
        addon: String,
        /// The interface.
        interface: String,
        /// Versions of it that are there.
        here: String,
    },
    /// A plug exports the interface with other types.
    #[error("plug `{plug}` exports `{interface}`, but not as `{addon}` imports it")]
    Mismatch {
        /// The component that imports.
        addon: String,
        /// The plug.
        plug: String,
        /// The interface.
        interface: String,
        /// What differs.
        source: Cause,
    },
}

/// Whether the host provides an interface, beside those of WASI.
pub type IsOfHost<'a> = &'a dyn Fn(&str) -> bool;

/// An error of the libraries that read and compose components.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Fills the addon's imports, except for those that the host provides, from the first plug that exports each, and the plugs'
/// imports from those after them.
///
/// So a plug may import the interface that it exports: it gets the next one, and can build on it.
///
/// # Errors
/// When an import has no plug, or the plug does not fit.
pub fn compose(name: &str, bytes: &[u8], plugs: &[Plug], is_of_host: IsOfHost<'_>) -> Result<Composition, PlugError> {
    let mut graph = CompositionGraph::new();
    let addon = register(&mut graph, name, bytes)?;
    if imports(&graph, addon, is_of_host).is_empty() {
        return Ok(Composition { bytes: bytes.to_vec(), used: BTreeSet::new() });
    }
    let packages = plugs.iter().enumerate().map(|(position, plug)| {
        // Two plugs may have files of one name; the graph wants names of its own.
        register(&mut graph, &format!("plug{position}"), &plug.bytes).map_err(|error| match error {
            PlugError::Unreadable { source, .. } => PlugError::Unreadable { name: plug.name.clone(), source },
            other => other,
        })
    });
    let packages = packages.collect::<Result<Vec<_>, _>>()?;
    let mut composer = Composer { graph, plugs, packages, is_of_host, instances: BTreeMap::new() };
    let instance = composer.instantiate(name, addon, 0)?;
    let Composer { mut graph, instances, .. } = composer;
    let unencodable = |source: Cause| PlugError::Unreadable { name: name.to_owned(), source };
    let export = |graph: &mut CompositionGraph, instance, from: &str, to: &str| {
        let alias = graph.alias_instance_export(instance, from).map_err(|error| unencodable(error.into()))?;
        graph.export(alias, to).map_err(|error| unencodable(error.into()))
    };
    for interface in export_names(&graph, addon) {
        export(&mut graph, instance, &interface, &interface)?;
    }
    for (&position, &(package, instance)) in &instances {
        for interface in export_names(&graph, package) {
            let short = FOR_THE_HOST.iter().find(|short| interface.starts_with(&format!("proxyhost:addon/{short}@")));
            if let Some(short) = short {
                export(&mut graph, instance, &interface, &export_of_plug(position, short))?;
            }
        }
    }
    let bytes = graph.encode(EncodeOptions::default()).map_err(|error| unencodable(error.into()))?;
    Ok(Composition { bytes, used: instances.into_keys().collect() })
}

struct Composer<'a> {
    graph: CompositionGraph,
    plugs: &'a [Plug],
    packages: Vec<PackageId>,
    is_of_host: IsOfHost<'a>,
    /// The plugs in use. One plug has one instance, whoever imports from it.
    instances: BTreeMap<usize, (PackageId, NodeId)>,
}

impl Composer<'_> {
    /// An instance whose imports are filled from the plugs at `first` and after.
    fn instantiate(&mut self, name: &str, package: PackageId, first: usize) -> Result<NodeId, PlugError> {
        let instance = self.graph.instantiate(package);
        for interface in imports(&self.graph, package, self.is_of_host) {
            let (position, package, plug, export) =
                self.provider(&interface, first).ok_or_else(|| PlugError::Missing {
                    addon: name.to_owned(),
                    here: self.similar(&interface),
                    interface: interface.clone(),
                })?;
            let plug = plug.name.clone();
            let mismatch = |source: Cause| PlugError::Mismatch {
                addon: name.to_owned(),
                plug: plug.clone(),
                interface: interface.clone(),
                source,
            };
            let provider = match self.instances.get(&position) {
                Some(&(_, provider)) => provider,
                None => {
                    let provider = self.instantiate(&plug, package, position + 1)?;
                    self.instances.insert(position, (package, provider));
                    provider
                }
            };
            let alias = self.graph.alias_instance_export(provider, &export).map_err(|error| mismatch(error.into()))?;
            self.graph
                .set_instantiation_argument(instance, &interface, alias)
                .map_err(|error| mismatch(error.into()))?;
        }
        Ok(instance)
    }

    /// The first plug that exports an interface, with its position and package, and the name it does so under.
    fn provider(&self, interface: &str, first: usize) -> Option<(usize, PackageId, &Plug, String)> {
        let plugs = self.packages.iter().zip(self.plugs).enumerate().skip(first);
        plugs
            .filter_map(|(position, (&package, plug))| {
                let exports = export_names(&self.graph, package);
                let export =
                    exports.into_iter().find(|export| export == interface || are_semver_compatible(export, interface));
                Some((position, package, plug, export?))
            })
            .next()
    }

    /// Says which plugs export other versions of an interface.
    fn similar(&self, interface: &str) -> String {
        let bare = |name: &str| name.split('@').next().unwrap_or_default().to_owned();
        let found = self.packages.iter().zip(self.plugs).flat_map(|(&package, plug)| {
            let exports = export_names(&self.graph, package).into_iter();
            exports
                .filter(|export| bare(export) == bare(interface))
                .map(|export| format!("`{}` exports `{export}`", plug.name))
        });
        let found: Vec<String> = found.collect();
        if found.is_empty() { String::new() } else { format!(" ({})", found.join(", ")) }
    }
}

fn register(graph: &mut CompositionGraph, name: &str, bytes: &[u8]) -> Result<PackageId, PlugError> {
    let unreadable = |source: Cause| PlugError::Unreadable { name: name.to_owned(), source };
    let package = types::Package::from_bytes(name, None, bytes.to_vec(), graph.types_mut());
    graph.register_package(package.map_err(|error| unreadable(error.into()))?).map_err(|error| unreadable(error.into()))
}

/// The interfaces that a component needs from plugs.
fn imports(graph: &CompositionGraph, package: PackageId, is_of_host: IsOfHost<'_>) -> Vec<String> {
    let world = &graph.types()[graph[package].ty()];
    world
        .imports
        .keys()
        .filter(|interface| !interface.starts_with("wasi:") && !is_of_host(interface))
        .cloned()
        .collect()
}

fn export_names(graph: &CompositionGraph, package: PackageId) -> Vec<String> {
    graph.types()[graph[package].ty()].exports.keys().cloned().collect()
}

/// The names of what a component exports and of what it imports from plugs.
///
/// # Errors
/// When the bytes are not a component that can be read.
pub fn interfaces(name: &str, bytes: &[u8], is_of_host: IsOfHost<'_>) -> Result<(Vec<String>, Vec<String>), PlugError> {
    let mut graph = CompositionGraph::new();
    let package = register(&mut graph, name, bytes)?;
    Ok((export_names(&graph, package), imports(&graph, package, is_of_host)))
}
