//! A matcher that fails for requests whose path contains `/bad`, in the way its option says, which its command sets.

use proxyhost_sdk::{
    Commands, Comparison, Declaration, Matcher, Part, Request, Value,
    command::{Answer, Command, ParameterKind, command},
    declare::{self, Declared},
    options,
};

struct Misbehaving;

const WAYS: [&str; 4] = ["none", "panic", "loop", "hoard"];

impl Declaration for Misbehaving {
    fn declare() -> Declared {
        declare::component(
            "matches requests by method and path, and fails",
            vec![declare::choice("misbehave", &WAYS, "none", "How it fails")],
        )
    }
}

impl Commands for Misbehaving {
    fn offered() -> Vec<Command> {
        let ways = ParameterKind::Choice(WAYS.map(str::to_owned).to_vec());
        vec![command("misbehave", "Fail in another way").taking("way", ways)]
    }

    fn run(_name: String, arguments: Vec<Value>) -> Result<Answer, String> {
        match arguments.into_iter().next() {
            Some(Value::Text(way)) if way == options::text("misbehave") => Err(format!("it does `{way}` already")),
            Some(Value::Text(way)) => {
                Ok(Answer::text(format!("from now on: {way}")).setting("misbehave", Value::Text(way)))
            }
            _ => Err("a way is missing".to_owned()),
        }
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

proxyhost_sdk::export!(Misbehaving: declaration, commands, matcher);

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
