//! Whether a document is what a schema says: as much of JSON Schema as `openapi.json` uses. Anything else in it is an error, so
//! that nothing is believed to be checked that is not.

use serde_json::Value;

/// What is wrong with a document; nothing if it is right.
pub(crate) fn fault(document: &Value, schema: &Value, value: &Value, place: &str) -> Option<String> {
    let members = schema.as_object().expect("a schema is an object");
    members.iter().find_map(|(keyword, operand)| match keyword.as_str() {
        "description" => None,
        "$ref" => {
            let pointer = operand.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
            fault(document, document.pointer(pointer).expect("it refers to something"), value, place)
        }
        "type" => {
            let one = std::slice::from_ref(operand);
            let kinds = operand.as_array().map_or(one, Vec::as_slice);
            let is_one = kinds.iter().any(|kind| is_of(value, kind.as_str().expect("a type")));
            (!is_one).then(|| format!("{place} is {value}, and not {operand}"))
        }
        "const" => (value != operand).then(|| format!("{place} is {value}, and not {operand}")),
        "enum" => {
            let is_one = operand.as_array().expect("a list").contains(value);
            (!is_one).then(|| format!("{place} is {value}, and none of {operand}"))
        }
        "oneOf" | "anyOf" => {
            let schemas = operand.as_array().expect("a list");
            let right = schemas.iter().filter(|schema| fault(document, schema, value, place).is_none()).count();
            let enough = right == 1 || right > 1 && keyword == "anyOf";
            (!enough).then(|| format!("{place} is {value}, which {right} of {keyword} allow"))
        }
        "required" => operand.as_array().expect("a list").iter().find_map(|name| {
            let name = name.as_str().expect("a name");
            (value.is_object() && value.get(name).is_none()).then(|| format!("{place} has no {name}"))
        }),
        "items" => {
            let items = value.as_array().into_iter().flatten().enumerate();
            items.into_iter().find_map(|(at, item)| fault(document, operand, item, &format!("{place}/{at}")))
        }
        "properties" => operand
            .as_object()
            .expect("an object")
            .iter()
            .find_map(|(name, schema)| fault(document, schema, value.get(name)?, &format!("{place}/{name}"))),
        "additionalProperties" => value.as_object()?.iter().find_map(|(name, value)| {
            if schema["properties"].get(name).is_some() {
                return None;
            }
            match operand {
                Value::Bool(false) => Some(format!("{place} has {name}, which is not described")),
                schema => fault(document, schema, value, &format!("{place}/{name}")),
            }
        }),
        unknown => panic!("the schema of {place} uses {unknown}, which is not checked"),
    })
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("there is no type {unknown}"),
    }
}

#[test]
fn what_is_not_as_described_is_found() {
    use serde_json::json;
    let schema = json!({
        "type": "object",
        "properties": { "a": { "type": ["integer", "null"] }, "b": { "type": "array", "items": { "enum": ["x"] } } },
        "required": ["a"],
        "additionalProperties": false,
    });
    let fault = |value| fault(&schema, &schema, &value, "it");
    assert_eq!(fault(json!({ "a": null, "b": ["x"] })), None);
    assert_eq!(fault(json!([])).as_deref(), Some("it is [], and not \"object\""));
    assert_eq!(fault(json!({ "b": [] })).as_deref(), Some("it has no a"));
    assert_eq!(fault(json!({ "a": 1, "c": 1 })).as_deref(), Some("it has c, which is not described"));
    assert_eq!(fault(json!({ "a": 1, "b": ["x", "y"] })).as_deref(), Some("it/b/1 is \"y\", and none of [\"x\"]"));
}
