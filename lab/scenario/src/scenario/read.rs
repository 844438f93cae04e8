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

/// Keys without which other mistakes would seem to be there: where one was taken out, no more is looked for.
const SPEAKS_OF_OTHERS: [&str; 4] = ["system", "axis", "arms", "steps"];

/// Reads a file, and tells what of it is not of its shape; other mistakes can be looked for in what is read. Fails where
/// they cannot.
///
/// serde stops at the first mistake. So what it points at is taken out, or made a number where one is wanted, and it is
/// asked again, until it finds nothing more. That a key is missing is told only where it was not this that took it: not
/// where the key has a value that cannot be read, and not where its name is misspelt.
pub(super) fn file(source: &Source<'_>) -> Result<(ScenarioFile, Found), ScenarioFault> {
    let mut document = DeTable::parse(source.text).map_err(|error| source.toml(&error))?;
    let (mut found, mut removed, mut is_whole) = (Found::default(), Vec::new(), true);
    loop {
        let error = match ScenarioFile::deserialize(Deserializer::from(document.clone())) {
            Ok(file) if is_whole => return Ok((file, found)),
            Ok(_) => return Err(found.all()),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(0..0);
        let follows =
            missing(&error).is_some_and(|key| removed.contains(&(span.clone(), Some(key.to_owned()))));
        if !follows {
            found.add(source.toml(&error));
        }
        if wants_a_number(&error) && make_a_number(document.get_mut(), &span) {
            continue;
        }
        let meant = meant(error.message());
        let is_spare = error.message().starts_with("unknown field ");
        is_whole &= is_spare && meant.is_none_or(|key| !SPEAKS_OF_OTHERS.contains(&key));
        let whole = document.span();
        match take(document.get_mut(), &whole, &span) {
            Some((table, key)) => removed.push((table, meant.map(str::to_owned).or(key))),
            // It is the document as a whole that is wrong: there is no more to find.
            None => return Err(found.all()),
        }
    }
}

/// The key that serde found nowhere.
fn missing(error: &toml::de::Error) -> Option<&str> {
    error.message().trim().strip_prefix("missing field `")?.strip_suffix('`')
}

/// Whether a number is wanted that may not be missing.
fn wants_a_number(error: &toml::de::Error) -> bool {
    error.message().trim().ends_with(", expected f64")
}

/// Puts a number that is within all bounds where something else stands; `false` where nothing does.
fn make_a_number(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    let Ok(number) = DeTable::parse("number = 100.0") else { return false };
    let number = number.get_ref().get("number").map(|number| number.get_ref().clone());
    number.zip(at(table, span)).map(|(number, place)| *place.get_mut() = number).is_some()
}

/// The value that stands there.
fn at<'t, 'i>(table: &'t mut DeTable<'i>, span: &Range<usize>) -> Option<&'t mut Spanned<DeValue<'i>>> {
    table.iter_mut().find_map(|(_, value)| at_or_within(value, span))
}

fn at_or_within<'t, 'i>(
    value: &'t mut Spanned<DeValue<'i>>,
    span: &Range<usize>,
) -> Option<&'t mut Spanned<DeValue<'i>>> {
    if value.span() == *span {
        return Some(value);
    }
    match value.get_mut() {
        DeValue::Table(table) => at(table, span),
        DeValue::Array(list) => list.iter_mut().find_map(|item| at_or_within(item, span)),
        _ => None,
    }
}

/// Where something was taken from, and the key that it had there; in a list it has none.
type Removed = (Range<usize>, Option<String>);

/// Takes the entry that a fault points at out of a table.
fn take(table: &mut DeTable<'_>, whole: &Range<usize>, span: &Range<usize>) -> Option<Removed> {
    let pointed = |key: &Range<usize>, value: &Range<usize>| key == span || value == span;
    let entry = table.iter().find(|(key, value)| pointed(&key.span(), &value.span()));
    if let Some(key) = entry.map(|(key, _)| key.clone()) {
        table.remove(&key);
        return Some((whole.clone(), Some(key.get_ref().to_string())));
    }
    table.iter_mut().find_map(|(_, value)| within(value, span))
}

fn within(value: &mut Spanned<DeValue<'_>>, span: &Range<usize>) -> Option<Removed> {
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
