use std::fs::File;

use proptest::prelude::*;

use super::*;
use crate::samples::{Value, file};

/// Runs `with` on a reader of `bytes`.
fn reading<T>(bytes: &[u8], with: impl FnOnce(&mut Reader<'_>) -> T) -> T {
    let file = file(bytes);
    let opened = File::open(&file.path).unwrap();
    with(&mut Reader::new(Window::new(&opened, bytes.len() as u64)))
}

/// Reads a whole value, as no caller outside of tests does.
fn value(reader: &mut Reader<'_>, frame: Frame) -> Result<Value, Trouble> {
    Ok(match frame.kind {
        Kind::Bytes => Value::Bytes(reader.string(frame, "value")?.to_vec()),
        Kind::Text => Value::Text(String::from_utf8(reader.string(frame, "value")?.to_vec()).unwrap()),
        Kind::Integer => Value::Integer(reader.integer(frame, "value")?),
        Kind::Float => Value::Float(reader.float(frame, "value")?),
        Kind::Bool => Value::Bool(reader.boolean(frame, "value")?),
        Kind::Null => Value::Null,
        Kind::List => {
            let (mut list, mut items) = (reader.inside(frame, Kind::List, "list")?, Vec::new());
            while let Some(item) = reader.item(&mut list)? {
                items.push(value(reader, item)?);
            }
            Value::List(items)
        }
        Kind::Dict => {
            let (mut dict, mut entries) = (reader.inside(frame, Kind::Dict, "dict")?, Vec::new());
            while let Some((key, entry)) = reader.entry(&mut dict)? {
                entries.push((value(reader, key)?, value(reader, entry)?));
            }
            Value::Dict(entries)
        }
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..200).prop_map(Value::Bytes),
        ".{0,50}".prop_map(Value::Text),
        any::<i64>().prop_map(Value::Integer),
        any::<f64>().prop_filter("NaN equals nothing", |number| !number.is_nan()).prop_map(Value::Float),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            proptest::collection::vec((inner.clone(), inner), 0..6).prop_map(Value::Dict),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read(written in any_value()) {
        let bytes = written.write();
        let read = reading(&bytes, |reader| {
            let frame = reader.frame(0, reader.size()).unwrap();
            assert_eq!(frame.next(), reader.size());
            value(reader, frame).unwrap()
        });
        prop_assert_eq!(read, written);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in "[0-9]{0,3}:?[0-9:,;#^!~\\]}]{0,40}") {
        reading(bytes.as_bytes(), |reader| {
            if let Ok(frame) = reader.frame(0, reader.size()) {
                assert!(frame.next() <= reader.size());
                let _either = value(reader, frame);
            }
        });
    }
}

/// What is wrong with the first frame in `bytes`, or with the number in it.
fn flaw(bytes: &[u8]) -> (u64, String) {
    let result = reading(bytes, |reader| {
        let frame = reader.frame(0, reader.size())?;
        reader.float(frame, "number")
    });
    match result {
        Err(Trouble::Flaw(flaw)) => (flaw.offset, flaw.what),
        other => panic!("{other:?}"),
    }
}

#[test]
fn flaws_say_where_and_what() {
    let cases: [(&[u8], u64, &str); 13] = [
        (b"12", 0, "the length is cut off"),
        (b":,", 0, "a length such as `1852:` should be, found `:,`"),
        (b"-1:,", 0, "a length such as `1852:` should be, found `-1:,`"),
        (b"1 :a,", 0, "a length such as `1852:` should be, found `1 :a,`"),
        (b"1234567890123:", 0, "a length such as `1852:` should be, found `1234567890123`"),
        (b"99999999999:x,", 0, "99999999999 bytes and a type should follow, and only 2 bytes are left"),
        (b"2:ab", 0, "2 bytes and a type should follow, and only 2 bytes are left"),
        (b"2:abx", 4, "a type should be, found `x`"),
        (b"3:1x2#", 2, "the number should be a number, found `1x2`"),
        (b"0:#", 2, "the number should be a number, found ``"),
        (b"3:abc^", 2, "the number should be a number, found `abc`"),
        (b"33:000000000000000000000000000000001#", 3, "the number has 33 bytes, at most 32 are read"),
        (b"1:1,", 2, "the number should be a number, found bytes"),
    ];
    for (bytes, offset, what) in cases {
        assert_eq!(flaw(bytes), (offset, what.into()), "{}", bytes.escape_ascii());
    }
}

#[test]
fn numbers_are_read_as_python_writes_them() {
    for (bytes, number) in [
        (&b"2:42#"[..], 42.0),
        (b"2:-7#", -7.0),
        (b"002:42#", 42.0),
        (b"5:1e+16^", 1e16),
        (b"18:1795415694.6331015^", 1_795_415_694.633_101_5),
        (b"3:inf^", f64::INFINITY),
    ] {
        let read = reading(bytes, |reader| {
            let frame = reader.frame(0, reader.size()).unwrap();
            reader.float(frame, "number").unwrap()
        });
        assert_eq!(read, number);
    }
}

#[test]
fn a_dict_that_ends_after_a_key_is_a_flaw() {
    reading(b"4:1:a,}", |reader| {
        let frame = reader.frame(0, reader.size()).unwrap();
        let mut dict = reader.inside(frame, Kind::Dict, "dict").unwrap();
        assert!(matches!(reader.entry(&mut dict), Err(Trouble::Flaw(Flaw { offset: 6, .. }))));
    });
}

#[test]
fn an_item_never_reaches_out_of_its_list() {
    reading(b"4:9:a,]1234567890,", |reader| {
        let frame = reader.frame(0, reader.size()).unwrap();
        let mut list = reader.inside(frame, Kind::List, "list").unwrap();
        assert!(matches!(reader.item(&mut list), Err(Trouble::Flaw(_))));
    });
}
