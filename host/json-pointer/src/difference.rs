//! Where two documents differ.

use std::{fmt, ops::ControlFlow};

use serde_json::Value;

use crate::push;

/// One step from a value down to one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'v> {
    /// To the member of this name.
    Member(&'v str),
    /// To the element of this number, from 0.
    Element(usize),
}

/// The way from a document down to a value. It is displayed as a pointer; the empty one is the whole document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'p>(&'p [Step<'p>]);

impl<'p> Place<'p> {
    /// The last step, and the place that it was taken from; nothing for the whole document.
    pub fn split_last(self) -> Option<(Step<'p>, Self)> {
        self.0.split_last().map(|(last, parent)| (*last, Self(parent)))
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pointer = String::new();
        for step in self.0 {
            match step {
                Step::Member(name) => push(&mut pointer, name),
                Step::Element(number) => push(&mut pointer, &number.to_string()),
            }
        }
        formatter.write_str(&pointer)
    }
}

/// A place where two documents differ, as near to the difference as there is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference<'p> {
    /// Where it is.
    pub place: Place<'p>,
    /// The value in the old document, if it has one there.
    pub old: Option<&'p Value>,
    /// The value in the new document, if it has one there.
    pub new: Option<&'p Value>,
}

/// Calls `found` with each place where two documents differ, until it breaks off.
///
/// Within an object, the members of the old document come first, then those that only the new one has.
pub fn compare<B>(
    old: &Value,
    new: &Value,
    found: &mut impl FnMut(Difference<'_>) -> ControlFlow<B>,
) -> ControlFlow<B> {
    Walk { steps: Vec::new(), found }.value(Some(old), Some(new))
}

struct Walk<'v, 'f, F> {
    steps: Vec<Step<'v>>,
    found: &'f mut F,
}

impl<'v, B, F: FnMut(Difference<'_>) -> ControlFlow<B>> Walk<'v, '_, F> {
    fn value(&mut self, old: Option<&'v Value>, new: Option<&'v Value>) -> ControlFlow<B> {
        match (old, new) {
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                let only_new = new.keys().filter(|name| !old.contains_key(*name));
                for name in old.keys().chain(only_new) {
                    self.inside(Step::Member(name), old.get(name), new.get(name))?;
                }
                ControlFlow::Continue(())
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) => {
                for number in 0..old.len().max(new.len()) {
                    self.inside(Step::Element(number), old.get(number), new.get(number))?;
                }
                ControlFlow::Continue(())
            }
            (old, new) if old == new => ControlFlow::Continue(()),
            (old, new) => (self.found)(Difference { place: Place(&self.steps), old, new }),
        }
    }

    fn inside(&mut self, step: Step<'v>, old: Option<&'v Value>, new: Option<&'v Value>) -> ControlFlow<B> {
        self.steps.push(step);
        self.value(old, new)?;
        self.steps.pop();
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn places(old: &Value, new: &Value) -> Vec<String> {
        let mut places = Vec::new();
        let _ = compare(old, new, &mut |difference| {
            places.push(difference.place.to_string());
            ControlFlow::<()>::Continue(())
        });
        places
    }

    #[test]
    fn places_are_as_near_as_they_can_be() {
        let old = json!({"a": {"b/c~": 1}, "gone": null, "list": [1, 2, {"x": true}], "same": [[]]});
        let new = json!({"same": [[]], "a": {"b/c~": "1"}, "list": [1, 3, {"x": false}, 4], "new": {}});
        assert_eq!(places(&old, &new), ["/a/b~1c~0", "/gone", "/list/1", "/list/2/x", "/list/3", "/new"]);
        assert_eq!(places(&json!({}), &json!([])), [""]);
    }

    #[test]
    fn the_first_difference_is_enough_for_who_breaks_off() {
        let first = compare(&json!([1, [2], 3]), &json!([1, [4], 5]), &mut |Difference { place, old, new }| {
            let (last, parent) = place.split_last().unwrap();
            assert_eq!((old, new), (Some(&json!(2)), Some(&json!(4))));
            ControlFlow::Break((last == Step::Element(0), parent.to_string()))
        });
        assert_eq!(first, ControlFlow::Break((true, "/1".to_owned())));
    }

    fn document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), (0..3).prop_map(Value::from)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let members = prop::collection::btree_map("[ab/~]{0,2}", inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn documents_differ_where_it_says(old in document(), new in document()) {
            let mut count = 0;
            let ended = compare(&old, &new, &mut |difference| {
                count += 1;
                let place = difference.place.to_string();
                let is_there = old.pointer(&place) == difference.old && new.pointer(&place) == difference.new;
                if is_there && difference.old != difference.new { ControlFlow::Continue(()) } else { ControlFlow::Break(place) }
            });
            prop_assert_eq!(ended, ControlFlow::Continue(()));
            prop_assert_eq!(count == 0, old == new);
        }
    }
}
