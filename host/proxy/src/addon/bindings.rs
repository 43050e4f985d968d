//! Bindings generated from `wit/`.

wasmtime::component::bindgen!({
    path: "../../wit/addon-0.1.0",
    world: "proxyhost:addon/addon@0.1.0",
    imports: {
        // These wait for bytes to arrive; all others answer from memory.
        "proxyhost:addon/messages.[method]body.read": async | trappable,
        "proxyhost:addon/messages.[method]body.digest": async | trappable,
        "proxyhost:addon/messages.[method]body-reader.next": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "proxyhost:addon/messages.body": crate::addon::handles::BodyHandle,
        "proxyhost:addon/messages.body-reader": crate::addon::handles::BodyReader,
        "proxyhost:addon/messages.request": crate::addon::handles::RequestHandle,
        "proxyhost:addon/messages.response": crate::addon::handles::ResponseHandle,
    },
});
