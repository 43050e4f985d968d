//! Flow files as trees, which can be changed without breaking the lengths around the change.
//!
//! Without this, nearly every change of a byte breaks the outermost frame, and no reader gets any further.

use std::borrow::Cow;

use fastrand::Rng;
use libfuzzer_sys::fuzzer_mutate;

/// A value with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    kind: u8,
    inside: Inside,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Inside {
    Payload(Vec<u8>),
    Items(Vec<Value>),
}

/// The whole values at the start of some bytes, and where the last one ends.
pub fn parse(bytes: &[u8]) -> (Vec<Value>, usize) {
    let (mut values, mut at) = (Vec::new(), 0);
    while let Some((value, len)) = value(&bytes[at..], DEPTH) {
        values.push(value);
        at += len;
    }
    (values, at)
}

/// How many whole dicts a flow file starts with, and where the last one ends. What is in them does not matter.
pub fn whole_flows(bytes: &[u8]) -> (usize, usize) {
    let (mut count, mut at) = (0, 0);
    while let Some((b'}', _, len)) = frame(&bytes[at..]) {
        count += 1;
        at += len;
    }
    (count, at)
}

/// Changes a flow file in place, and answers with its new length.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut rng = Rng::with_seed(seed.into());
    let (mut values, end) = parse(&data[..size]);
    if values.is_empty() || rng.u8(..8) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    for _ in 0..rng.usize(1..4) {
        change(&mut values, &mut rng);
    }
    let mut written = Vec::new();
    values.iter().for_each(|value| write(value, &mut written));
    // A broken tail stays.
    written.extend_from_slice(&data[end..size]);
    if written.is_empty() || written.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..written.len()].copy_from_slice(&written);
    written.len()
}

/// The kind, the payload and the length of the frame at the start.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let digits = bytes.iter().take(DIGITS).take_while(|byte| byte.is_ascii_digit()).count();
    let len: usize = str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    let rest = bytes[digits..].strip_prefix(b":")?;
    let (payload, rest) = rest.split_at_checked(len)?;
    let kind = *rest.first()?;
    b",;#^!~]}".contains(&kind).then_some((kind, payload, digits + 1 + len + 1))
}

fn value(bytes: &[u8], depth: usize) -> Option<(Value, usize)> {
    let (kind, payload, len) = frame(bytes)?;
    let mut inside = Inside::Payload(payload.to_vec());
    if b"]}".contains(&kind) && depth > 0 {
        let (mut items, mut at) = (Vec::new(), 0);
        while let Some((item, len)) = value(&payload[at..], depth - 1) {
            items.push(item);
            at += len;
        }
        // What is damaged stays as it is.
        if at == payload.len() {
            inside = Inside::Items(items);
        }
    }
    Some((Value { kind, inside }, len))
}

fn write(value: &Value, out: &mut Vec<u8>) {
    let payload = match &value.inside {
        Inside::Payload(payload) => Cow::Borrowed(payload),
        Inside::Items(items) => {
            let mut payload = Vec::new();
            items.iter().for_each(|item| write(item, &mut payload));
            Cow::Owned(payload)
        }
    };
    out.extend_from_slice(payload.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(&payload);
    out.push(value.kind);
}

fn change(values: &mut Vec<Value>, rng: &mut Rng) {
    let count: usize = values.iter().map(count).sum();
    if count == 0 {
        return;
    }
    let mut nth = rng.usize(..count);
    let other = {
        let mut nth = rng.usize(..count);
        values.iter_mut().find_map(|value| find(value, &mut nth)).cloned()
    };
    let Some(found) = values.iter_mut().find_map(|value| find(value, &mut nth)) else { return };
    match (rng.u8(..8), &mut found.inside) {
        (0, _) => found.kind = b",;#^!~]}"[rng.usize(..8)],
        (1, _) => *found = other.unwrap_or_else(|| found.clone()),
        (2, _) => *found = Value { kind: b'~', inside: Inside::Payload(Vec::new()) },
        (3 | 4, Inside::Items(items)) => change_items(found.kind, items, rng),
        (5, Inside::Payload(payload)) => *payload = WORDS[rng.usize(..WORDS.len())].to_vec(),
        (_, Inside::Payload(payload)) => {
            let size = payload.len();
            payload.resize(size + ROOM, 0);
            let size = fuzzer_mutate(payload, size, size + ROOM);
            payload.truncate(size);
        }
        (_, Inside::Items(items)) => change(items, rng),
    }
    if values.len() < FLOWS && rng.u8(..16) == 0 {
        values.push(values[rng.usize(..values.len())].clone());
    }
}

/// Repeats, moves or drops items; those of a dict in pairs.
fn change_items(kind: u8, items: &mut Vec<Value>, rng: &mut Rng) {
    let step = if kind == b'}' { 2 } else { 1 };
    let pairs = items.len() / step;
    if pairs == 0 {
        items.push(Value { kind: b',', inside: Inside::Payload(Vec::new()) });
        return;
    }
    let (one, other) = (rng.usize(..pairs) * step, rng.usize(..pairs) * step);
    match rng.u8(..3) {
        0 => drop(items.drain(one..one + step)),
        1 => {
            let repeated = items[one..one + step].to_vec();
            items.splice(other..other, repeated);
        }
        _ => (0..step).for_each(|part| items.swap(one + part, other + part)),
    }
}

fn count(value: &Value) -> usize {
    match &value.inside {
        Inside::Payload(_) => 1,
        Inside::Items(items) => 1 + items.iter().map(count).sum::<usize>(),
    }
}

/// The `nth` value in a value, itself and all within counted.
fn find<'v>(value: &'v mut Value, nth: &mut usize) -> Option<&'v mut Value> {
    if *nth == 0 {
        return Some(value);
    }
    *nth -= 1;
    match &mut value.inside {
        Inside::Payload(_) => None,
        Inside::Items(items) => items.iter_mut().find_map(|item| find(item, nth)),
    }
}

/// How deep values are taken apart.
const DEPTH: usize = 16;
/// The format allows twelve digits.
const DIGITS: usize = 12;
/// How much a payload grows at once.
const ROOM: usize = 16;
/// More flows than these come from the seeds only.
const FLOWS: usize = 8;
/// Payloads that readers look for, and numbers at the edges of what they take.
const WORDS: &[&[u8]] = &[
    b"",
    b"0",
    b"1",
    b"-1",
    b"21",
    b"22",
    b"3",
    b"101",
    b"304",
    b"999",
    b"1000",
    b"65535",
    b"65536",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"18446744073709551615",
    b"253402300799.99999",
    b"1e308",
    b"nan",
    b"-inf",
    b"true",
    b"false",
    b"http",
    b"https",
    b"tcp",
    b"websocket",
    b"HTTP/2.0",
    b"HTTP/1.1",
    b"GET",
    b"HEAD",
    b"CONNECT",
    b"*",
    b"/",
    b":authority",
    b"trailer",
    b"connection",
    b"transfer-encoding",
    b"sec-websocket-key",
    b"sec-websocket-extensions",
    b"proxyhost_response_pieces",
];
