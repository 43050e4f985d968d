//! A matcher that fails for requests whose path contains `/bad`, in the way its option says.

use proxyhost_sdk::{
    Comparison, Declaration, Matcher, Part, Request,
    declare::{self, Declared},
    options,
};

struct Misbehaving;

impl Declaration for Misbehaving {
    fn declare() -> Declared {
        let ways = ["none", "panic", "loop", "hoard"];
        declare::component(
            "matches requests by method and path, and fails",
            vec![declare::choice("misbehave", &ways, "none", "How it fails")],
        )
    }
}

impl Matcher for Misbehaving {
    fn key(request: &Request) -> Option<Vec<u8>> {
        let path = request.path();
        if path.contains("/bad") {
            misbehave(&options::text("misbehave"));
        }
        Some(format!("{} {path}", request.method()).into_bytes())
    }

    fn key_by(_request: &Request, _comparison: Comparison) -> Option<Vec<u8>> {
        None
    }

    fn explain(request: &Request, _limit: u64) -> Vec<Part> {
        vec![
            Part { name: "method".to_owned(), value: request.method().into_bytes(), detail: false },
            Part { name: "path".to_owned(), value: request.path().into_bytes(), detail: false },
        ]
    }

    fn suggest(_live: &Request, _recorded: &Request, _limit: u64) -> Option<String> {
        None
    }
}

proxyhost_sdk::export!(Misbehaving: declaration, matcher);

fn misbehave(way: &str) {
    match way {
        "panic" => panic!("the matcher's secret"),
        "loop" => loop {
            std::hint::spin_loop();
        },
        "hoard" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(std::hint::black_box(vec![1; 1 << 20]));
            }
        }
        _ => {}
    }
}
