//! A panic of the host, in a call that a component made.

use super::*;

/// Needs an addon that ships.
#[cfg(feature = "recordings")]
mod in_a_component {
    use std::sync::atomic::{AtomicBool, Ordering};

    use wasmtime::{
        StoreContextMut,
        component::{Linker, Val},
    };

    use super::*;
    use crate::{
        addon::{
            AddonEngine, Capability, Grants, Limits, LoadRequest, Preparation, Purpose, Source,
            capability::{CapabilityState, Package},
            load,
            options::{Value, Values},
            state::State,
        },
        flow::{Body, samples::request},
    };

    /// Recordings in whose index there is nothing, and which panic once.
    #[derive(Default)]
    struct Panicking(Arc<AtomicBool>);

    #[derive(Debug)]
    struct Nothing;

    impl CapabilityState for Nothing {}

    impl Capability for Panicking {
        fn packages(&self) -> &'static [Package] {
            &[Package { name: "proxyhost:recordings", version: "0.1" }]
        }

        fn add_to_linker(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
            let has_panicked = self.0.clone();
            let mut index = linker.instance("proxyhost:recordings/index@0.1.0")?;
            index.func_new_async("take", move |store, _, arguments, results| {
                assert!(has_panicked.swap(true, Ordering::Relaxed), "a mistake of the host");
                results.fill(Val::Variant("unknown".to_owned(), None));
                Box::new(give_back(store, arguments))
            })?;
            index.func_new_async("take-remembered", |store, _, arguments, results| {
                results.fill(Val::Option(None));
                Box::new(give_back(store, arguments))
            })?;
            index.func_new("related", |_, _, _, results| {
                results.fill(Val::List(Vec::new()));
                Ok(())
            })?;
            for function in ["put", "relate", "hits", "answers", "forget"] {
                index.func_new(function, |_, _, _, _| Err(wasmtime::format_err!("it is not asked for")))?;
            }
            let mut recordings = linker.instance("proxyhost:recordings/recordings@0.1.0")?;
            for function in [
                "exists",
                "load",
                "size",
                "describe",
                "recorded-request",
                "recorded-response",
                "remembered-response",
                "remember-response",
                "recorded-answer",
                "broken",
                "broken-response",
                "compared-by",
                "query-is-least",
                "decode",
                "compose",
                "recorded-websocket",
            ] {
                recordings.func_new(function, |_, _, _, _| Err(wasmtime::format_err!("it is not asked for")))?;
            }
            Ok(())
        }

        fn for_addon(&self, _: Option<&Arc<dyn CapabilityState>>) -> Arc<dyn CapabilityState> {
            Arc::new(Nothing)
        }
    }

    /// Drops what was lent for a call.
    async fn give_back(mut store: StoreContextMut<'_, State>, arguments: &[Val]) -> wasmtime::Result<()> {
        for argument in arguments {
            if let Val::Resource(lent) = argument {
                lent.resource_drop_async(&mut store).await?;
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn the_next_flow_is_served() {
        let engine = AddonEngine::new(None, vec![Arc::new(Panicking::default())]).expect("an engine");
        let replay = LoadRequest {
            source: Source::Shipped("serverreplay".to_owned()),
            plugs: Vec::new(),
            limits: Limits::default(),
        };
        let loaded = load(&engine, &[replay], &[]).await.expect("it loads").remove(0);
        let options = Values::from([("server_replay_extra".to_owned(), Value::Text("404".to_owned()))]);
        let limits = Limits { cpu: std::time::Duration::from_secs(10), ..Limits::default() };
        let preparation = Preparation { limits, ..Preparation::new(options, Grants::default(), Purpose::Run) };
        let configured = loaded.configure(preparation).await;
        let addon = configured.expect("it is configured");
        let fault = addon.on_request(&request(Body::Empty)).await.expect_err("the host panicked");
        assert_eq!((fault.kind, fault.detail.as_str()), (FaultKind::Addon, "addon `serverreplay` failed"));
        let Ok(Action::Respond(response)) = addon.on_request(&request(Body::Empty)).await else { panic!("it answers") };
        assert_eq!(response.head.status, 404);
    }
}
