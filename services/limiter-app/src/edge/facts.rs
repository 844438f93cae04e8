//! The facts of a request: a JSON object with distinct names.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserializer,
    de::{Error, MapAccess, Visitor},
};

/// Deserializes the facts; refuses a duplicate name, of which one value would win silently.
pub(super) fn each_once<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    deserializer.deserialize_map(EachOnce)
}

struct EachOnce;

impl<'de> Visitor<'de> for EachOnce {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("facts by their names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut facts = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, String>()? {
            if facts.contains_key(&name) {
                return Err(A::Error::custom(format_args!("the fact `{name}` is there twice")));
            }
            facts.insert(name, value);
        }
        Ok(facts)
    }
}
