//! Bindings generated from `wit/`: what every component imports, then one module for each interface it may export.
//!
//! Each exported interface has a world of its own, because a component exports all of a world or none of it.

#![expect(missing_docs, reason = "generated code")]

/// What every component may import.
pub mod host {
    wit_bindgen::generate!({
        path: ["../../wit/addon-0.1.0", "../../wit/replay-0.1.0"],
        world: "proxyhost:addon/host@0.1.0",
        generate_all,
    });
}

/// What components that use recordings import.
pub mod recordings {
    wit_bindgen::generate!({
        path: ["../../wit/addon-0.1.0", "../../wit/recordings-0.1.0"],
        world: "proxyhost:recordings/host@0.1.0",
        with: {
            "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages,
            "proxyhost:recordings/recordings@0.1.0": generate,
            "proxyhost:recordings/recorder@0.1.0": generate,
            "proxyhost:recordings/index@0.1.0": generate,
        },
    });
}

macro_rules! exported {
    ($($(#[$doc:meta])* $module:ident = $inline:literal, $macro_name:literal, $path:literal
        $(, with { $($interface:literal: $types:path),* $(,)? })?;)+) => {$(
        $(#[$doc])*
        pub mod $module {
            wit_bindgen::generate!({
                path: ["../../wit/addon-0.1.0", "../../wit/replay-0.1.0"],
                inline: $inline,
                pub_export_macro: true,
                export_macro_name: $macro_name,
                default_bindings_module: $path,
                with: { $($($interface: $types),*)? },
            });
        }
    )+};
}

exported! {
    /// `proxyhost:addon/declaration`
    declaration = "package proxyhost:sdk; world exporting-declaration { export proxyhost:addon/declaration@0.1.0; }",
        "export_declaration", "proxyhost_sdk::bindings::declaration";
    /// `proxyhost:addon/lifecycle`
    lifecycle = "package proxyhost:sdk; world exporting-lifecycle { export proxyhost:addon/lifecycle@0.1.0; }",
        "export_lifecycle", "proxyhost_sdk::bindings::lifecycle";
    /// `proxyhost:addon/request-hook`
    request_hook = "package proxyhost:sdk; world exporting-request-hook { export proxyhost:addon/request-hook@0.1.0; }",
        "export_request_hook", "proxyhost_sdk::bindings::request_hook",
        with {
            "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages,
            "proxyhost:addon/actions@0.1.0": crate::bindings::host::proxyhost::addon::actions,
        };
    /// `proxyhost:addon/response-hook`
    response_hook = "package proxyhost:sdk; world exporting-response-hook { export proxyhost:addon/response-hook@0.1.0; }",
        "export_response_hook", "proxyhost_sdk::bindings::response_hook",
        with {
            "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages,
            "proxyhost:addon/actions@0.1.0": crate::bindings::host::proxyhost::addon::actions,
        };
    /// `proxyhost:addon/error-hook`
    error_hook = "package proxyhost:sdk; world exporting-error-hook { export proxyhost:addon/error-hook@0.1.0; }",
        "export_error_hook", "proxyhost_sdk::bindings::error_hook",
        with { "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages };
    /// `proxyhost:replay/matcher`
    matcher = "package proxyhost:sdk; world exporting-matcher { export proxyhost:replay/matcher@0.1.0; }",
        "export_matcher", "proxyhost_sdk::bindings::matcher",
        with { "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages };
    /// `proxyhost:replay/refresher`
    refresher = "package proxyhost:sdk; world exporting-refresher { export proxyhost:replay/refresher@0.1.0; }",
        "export_refresher", "proxyhost_sdk::bindings::refresher",
        with { "proxyhost:addon/messages@0.1.0": crate::bindings::host::proxyhost::addon::messages };
}
