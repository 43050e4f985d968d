//! The `export!` macro.

/// Makes a type's hooks the component's exports: `export!(Stamp: request_hook, response_hook)`.
///
/// The names are those of the interfaces, as the modules in [`bindings`](crate::bindings) have them: `declaration`,
/// `lifecycle`, `startup`, `commands`, `request_hook`, `response_hook`, `error_hook`, `matcher`, `refresher`. Native builds export
/// nothing, so that the crate can be tested; they check that the type has the hooks.
#[macro_export]
macro_rules! export {
    ($addon:ident: $($interface:ident),+ $(,)?) => {$(
        #[cfg(target_family = "wasm")]
        $crate::bindings::$interface::export!($addon);
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn has_hook<T: $crate::bindings::$interface::Guest>() {}
            has_hook::<$addon>();
        };
    )+};
}
