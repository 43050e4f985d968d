//! The harm that a component can try to do.

use std::{
    hint,
    io::{self, Write},
    mem, thread,
    time::Duration,
};

use proxyhost_sdk::{Request, Response, log};

/// What is at hand where the harm is done.
pub enum Victim<'a> {
    Nobody,
    Request(&'a Request),
    Response(&'a Response),
}

/// What the place is to answer, if the misdeed came back.
pub enum Outcome {
    /// What it would anyway.
    Nothing,
    /// Something that nobody can use.
    Invalid,
}

/// Does harm. The names are those of the rows of the benchmark's table.
pub fn perform(misdeed: &str, victim: &Victim<'_>) -> Outcome {
    match misdeed {
        "loop" => loop {
            hint::spin_loop();
        },
        "sleep" => {
            if !matches!(victim, Victim::Nobody) {
                log::write(log::Level::Info, "sleeping");
            }
            thread::sleep(Duration::from_secs(3600));
        }
        "trap" => panic!("on purpose"),
        "memory" => memory(),
        "recursion" => {
            hint::black_box(deeper(1));
        }
        "handles" => handles(victim),
        "bodies" => bodies(victim),
        "fields" => fields(victim),
        "strings" => strings(victim),
        "log" => (0..100_000).for_each(|line| log::write(log::Level::Warn, &format!("line {line}"))),
        "stderr" => stderr(),
        "invalid" => return Outcome::Invalid,
        other => panic!("no such misdeed: {other}"),
    }
    Outcome::Nothing
}

fn stderr() {
    let mut stderr = io::stderr();
    for line in 0..100_000 {
        let _ = writeln!(stderr, "line {line}");
    }
}

fn memory() {
    let mut all = Vec::new();
    loop {
        all.push(vec![1_u8; 1 << 20]);
        hint::black_box(&all);
    }
}

fn deeper(depth: u64) -> u64 {
    let frame = [depth; 64];
    hint::black_box(&frame);
    if depth == u64::MAX { depth } else { deeper(depth + 1) + frame[1] }
}

fn handles(victim: &Victim<'_>) {
    loop {
        match victim {
            Victim::Nobody => mem::forget(Response::new(200)),
            Victim::Request(request) => mem::forget(request.body()),
            Victim::Response(response) => mem::forget(response.body()),
        }
    }
}

fn bodies(victim: &Victim<'_>) {
    loop {
        let content = vec![b'b'; 1 << 20];
        let is_refused = match victim {
            Victim::Request(request) => {
                let copy = request.copy();
                let refused = copy.set_body(&content).is_err();
                mem::forget(copy);
                refused
            }
            Victim::Nobody | Victim::Response(_) => {
                let response = Response::new(200);
                let refused = response.set_body(&content).is_err();
                mem::forget(response);
                refused
            }
        };
        assert!(!is_refused, "refused");
    }
}

fn fields(victim: &Victim<'_>) {
    let made = Response::new(200);
    for number in 0.. {
        let (name, value) = (format!("x-{number}"), [b'v'; 1024]);
        let added = match victim {
            Victim::Nobody => made.add_field(&name, &value),
            Victim::Request(request) => request.add_field(&name, &value),
            Victim::Response(response) => response.add_field(&name, &value),
        };
        assert!(added.is_ok(), "refused");
    }
}

fn strings(victim: &Victim<'_>) {
    let long = "s".repeat(14 << 20);
    for _ in 0..100 {
        log::write(log::Level::Info, &long);
        match victim {
            Victim::Nobody => {}
            Victim::Request(request) => {
                let _ = request.set_field("x-long", long.as_bytes());
                let _ = request.set_path(&long);
                let _ = request.set_authority(&long);
            }
            Victim::Response(response) => {
                let _ = response.set_field("x-long", long.as_bytes());
                let _ = response.set_body(long.as_bytes());
            }
        }
    }
}
