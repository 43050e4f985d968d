//! Bindings generated from `wit/`. Messages are those of `addon`, whose handles components pass here.

wasmtime::component::bindgen!({
    path: ["../../wit/addon-0.1.0", "../../wit/recordings-0.1.0"],
    world: "proxyhost:recordings/host@0.1.0",
    imports: {
        // These wait for files to be read or written; all others answer from memory.
        "proxyhost:recordings/recordings.load": async | trappable,
        "proxyhost:recordings/recorder.open": async | trappable,
        "proxyhost:recordings/recorder.save": async | trappable,
        "proxyhost:recordings/recorder.save-failed": async | trappable,
        default: trappable,
    },
    with: { "proxyhost:addon/messages": crate::addon::bindings::proxyhost::addon::messages },
});

pub(super) use proxyhost::recordings::{index, recorder, recordings};
