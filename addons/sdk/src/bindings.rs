//! Bindings generated from `wit/`: what every component may import, what plugs and addons import beyond that, then one
//! module for each interface that a component may export.
//!
//! Each exported interface has a world of its own, because a component exports all of a world or none of it. Of what is
//! imported, only what is called becomes an import of the component.

#![expect(missing_docs, reason = "generated code")]

/// Generates bindings of a world from the packages of the contract.
macro_rules! generate {
    ($($options:tt)*) => {
        wit_bindgen::generate!({
            path: ["wit/addon-0.1.0", "wit/recordings-0.1.0", "wit/replay-0.1.0"],
            $($options)*
        });
    };
}

/// What every component may import.
pub mod host {
    generate! {
        world: "proxyhost:addon/host@0.1.0",
        generate_all,
    }
}

/// What components that use recordings import.
pub mod recordings {
    generate! {
        world: "proxyhost:recordings/host@0.1.0",
        with: {
            "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages,
            "proxyhost:recordings/recordings@0.1.0": generate,
            "proxyhost:recordings/recorder@0.1.0": generate,
            "proxyhost:recordings/index@0.1.0": generate,
        },
    }
}

/// The plugs that a component may import.
pub mod next {
    generate! {
        inline: "package proxyhost:sdk;
            world next { import proxyhost:replay/matcher@0.1.0; import proxyhost:replay/refresher@0.1.0; }",
        with: {
            "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages,
            "proxyhost:replay/matcher@0.1.0": generate,
            "proxyhost:replay/refresher@0.1.0": generate,
        },
    }
}

/// Makes a module for each exported interface, all alike: the trait is its `Guest`, the macro is its `export`.
macro_rules! exported {
    ($($(#[$doc:meta])* $module:ident = $package:ident, $inline:literal, $path:literal
        $(, with { $($interface:literal: $types:path),* $(,)? })?;)+) => {$(
        $(#[$doc])*
        pub mod $module {
            generate! {
                inline: $inline,
                pub_export_macro: true,
                default_bindings_module: $path,
                with: { $($($interface: $types),*)? },
            }
            pub use self::exports::proxyhost::$package::$module::*;
        }
    )+};
}

exported! {
    /// `proxyhost:addon/declaration`
    declaration = addon,
        "package proxyhost:sdk; world exporting-declaration { export proxyhost:addon/declaration@0.1.0; }",
        "proxyhost_sdk::bindings::declaration";
    /// `proxyhost:addon/lifecycle`
    lifecycle = addon,
        "package proxyhost:sdk; world exporting-lifecycle { export proxyhost:addon/lifecycle@0.1.0; }",
        "proxyhost_sdk::bindings::lifecycle";
    /// `proxyhost:addon/startup`
    startup = addon,
        "package proxyhost:sdk; world exporting-startup { export proxyhost:addon/startup@0.1.0; }",
        "proxyhost_sdk::bindings::startup";
    /// `proxyhost:addon/commands`
    commands = addon,
        "package proxyhost:sdk; world exporting-commands { export proxyhost:addon/commands@0.1.0; }",
        "proxyhost_sdk::bindings::commands",
        with { "proxyhost:addon/options@0.1.0": crate::bindings::host::proxyhost::addon::options };
    /// `proxyhost:addon/request-hook`
    request_hook = addon,
        "package proxyhost:sdk; world exporting-request-hook { export proxyhost:addon/request-hook@0.1.0; }",
        "proxyhost_sdk::bindings::request_hook",
        with {
            "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages,
            "proxyhost:addon/actions@0.1.0": crate::bindings::host::proxyhost::addon::actions,
        };
    /// `proxyhost:addon/response-hook`
    response_hook = addon,
        "package proxyhost:sdk; world exporting-response-hook { export proxyhost:addon/response-hook@0.1.0; }",
        "proxyhost_sdk::bindings::response_hook",
        with {
            "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages,
            "proxyhost:addon/actions@0.1.0": crate::bindings::host::proxyhost::addon::actions,
        };
    /// `proxyhost:addon/error-hook`
    error_hook = addon,
        "package proxyhost:sdk; world exporting-error-hook { export proxyhost:addon/error-hook@0.1.0; }",
        "proxyhost_sdk::bindings::error_hook",
        with { "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages };
    /// `proxyhost:replay/matcher`
    matcher = replay,
        "package proxyhost:sdk; world exporting-matcher { export proxyhost:replay/matcher@0.1.0; }",
        "proxyhost_sdk::bindings::matcher",
        with { "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages };
    /// `proxyhost:replay/refresher`
    refresher = replay,
        "package proxyhost:sdk; world exporting-refresher { export proxyhost:replay/refresher@0.1.0; }",
        "proxyhost_sdk::bindings::refresher",
        with { "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages };
}
