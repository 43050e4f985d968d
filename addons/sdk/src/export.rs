//! The `export!` macro.

/// Makes a type's hooks the component's exports: `export!(Stamp: request_hook, response_hook)`.
///
/// The names are those of the interfaces: `declaration`, `lifecycle`, `request_hook`, `response_hook`, `error_hook`,
/// `matcher`, `refresher`. Native builds export nothing, so that the crate can be tested; they check that the type has the
/// hooks.
#[macro_export]
macro_rules! export {
    ($addon:ident: $($interface:ident),+ $(,)?) => {
        $($crate::export_interface!($interface $addon);)+
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! export_interface {
    (declaration $addon:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::declaration::export_declaration!($addon);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_hook<T: $crate::Declaration>() {}
            has_hook::<$addon>();
        };
    };
    (lifecycle $addon:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::lifecycle::export_lifecycle!($addon);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_hook<T: $crate::Lifecycle>() {}
            has_hook::<$addon>();
        };
    };
    (request_hook $addon:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::request_hook::export_request_hook!($addon);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_hook<T: $crate::RequestHook>() {}
            has_hook::<$addon>();
        };
    };
    (response_hook $addon:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::response_hook::export_response_hook!($addon);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_hook<T: $crate::ResponseHook>() {}
            has_hook::<$addon>();
        };
    };
    (error_hook $addon:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::error_hook::export_error_hook!($addon);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_hook<T: $crate::ErrorHook>() {}
            has_hook::<$addon>();
        };
    };
    (matcher $addon:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::matcher::export_matcher!($addon);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_hook<T: $crate::Matcher>() {}
            has_hook::<$addon>();
        };
    };
    (refresher $addon:ident) => {
        #[cfg(target_family = "wasm")]
        $crate::bindings::refresher::export_refresher!($addon);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_hook<T: $crate::Refresher>() {}
            has_hook::<$addon>();
        };
    };
}
