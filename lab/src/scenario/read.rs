//! From text to a file's shape, with every key and value that is not of that shape told at once.

use std::ops::Range;

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::{
    ScenarioFault,
    fault::{Found, Source, meant},
    file::ScenarioFile,
};

/// Reads a file; fails with all that is not of its shape.
///
/// serde stops at the first mistake. So what it points at is taken out, and it is asked again, until it finds nothing
/// more. That a key is missing is told only where it was not this that took it: not where the key has a value that
/// cannot be read, and not where its name is misspelt.
pub(super) fn file(source: &Source<'_>) -> Result<ScenarioFile, ScenarioFault> {
    let mut document = DeTable::parse(source.text).map_err(|error| source.toml(&error))?;
    let mut found = Found::default();
    let mut robbed = Vec::new();
    loop {
        let error = match ScenarioFile::deserialize(Deserializer::from(document.clone())) {
            Ok(file) => return found.none().map(|()| file),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..0);
        let follows =
            missing(&error).is_some_and(|key| robbed.contains(&(span.clone(), Some(key.to_owned()))));
        if !follows {
            found.add(source.toml(&error));
        }
        let whole = document.span();
        match take(document.get_mut(), &whole, &span) {
            Some((table, key)) => robbed.push((table, meant(error.message()).map(str::to_owned).or(key))),
            // It is the document as a whole that is wrong: there is no more to find.
            None => return Err(found.all()),
        }
    }
}

/// The key that serde found nowhere.
fn missing(error: &toml::de::Error) -> Option<&str> {
    error.message().trim().strip_prefix("missing field `")?.strip_suffix('`')
}

/// Where something was taken from, and the key that it had there; in a list it has none.
type Robbed = (Range<usize>, Option<String>);

/// Takes the entry that a fault points at out of a table.
fn take(table: &mut DeTable<'_>, whole: &Range<usize>, span: &Range<usize>) -> Option<Robbed> {
    let pointed = |key: &Range<usize>, value: &Range<usize>| key == span || value == span;
    let entry = table.iter().find(|(key, value)| pointed(&key.span(), &value.span()));
    if let Some(key) = entry.map(|(key, _)| key.clone()) {
        table.remove(&key);
        return Some((whole.clone(), Some(key.get_ref().to_string())));
    }
    table.iter_mut().find_map(|(_, value)| within(value, span))
}

fn within(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Robbed> {
    let whole = value.span();
    match value.get_mut() {
        DeValue::Table(table) => take(table, &whole, span),
        DeValue::Array(list) => {
            if list.iter().any(|item| item.span() == *span) {
                *list = list.clone().into_iter().filter(|item| item.span() != *span).collect();
                return Some((whole, None));
            }
            list.iter_mut().find_map(|item| within(item, span))
        }
        _ => None,
    }
}
