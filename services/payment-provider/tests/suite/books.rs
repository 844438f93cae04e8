//! The books, and what a client asks after a time-out.

use std::{collections::BTreeSet, sync::Arc};

use payment_provider::{Config, Limits};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Provider, config, folder};

/// The ids of a page, and what the next one comes after.
fn read(page: &Value) -> (Vec<String>, Option<i64>) {
    let ids = page["charges"].as_array().unwrap().iter();
    (ids.map(|charge| charge["id"].as_str().unwrap().to_owned()).collect(), page["next"].as_i64())
}

#[tokio::test]
async fn pages_hold_every_charge_once_in_order() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let mut made = Vec::new();
    for key in 0..7 {
        made.push(provider.authorised("1", &key.to_string()).await);
    }
    let (mut found, mut after) = (Vec::new(), 0);
    loop {
        let page = provider.get(&format!("/books?limit=3&after={after}")).await.body;
        let (ids, next) = read(&page);
        assert!(ids.len() <= 3);
        found.extend(ids);
        let Some(next) = next else { break };
        after = next;
    }
    assert_eq!(found, made);
}

#[tokio::test]
async fn a_page_that_is_just_full_is_the_last() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    for key in 0..3 {
        provider.authorised("1", &key.to_string()).await;
    }
    let (ids, next) = read(&provider.get("/books?limit=3").await.body);
    assert_eq!((ids.len(), next), (3, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_miss_nothing_that_was_made_before_them_while_charges_are_made() {
    let folder = folder();
    let provider = Arc::new(Provider::correct(&folder).await);
    let mut clients = JoinSet::new();
    for client in 0..8 {
        let provider = Arc::clone(&provider);
        clients.spawn(async move {
            for key in 0..20 {
                provider.authorised("1", &format!("{client}-{key}")).await;
            }
        });
    }
    let (mut found, mut after) = (BTreeSet::new(), 0);
    let mut is_last_pass = false;
    loop {
        let (ids, next) = read(&provider.get(&format!("/books?limit=5&after={after}")).await.body);
        for id in ids {
            assert!(found.insert(id), "a charge is on two pages");
        }
        match next {
            Some(next) => after = next,
            None if is_last_pass => break,
            None => {
                is_last_pass = clients.join_next().await.is_none();
                after = i64::try_from(found.len()).unwrap();
            }
        }
    }
    assert_eq!(found.len(), 160, "numbers have no gap, so a page begins after as many as were found");
}

#[tokio::test]
async fn a_client_finds_every_charge_of_its_order() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let one = provider.authorised("mine", "a").await;
    provider.authorised("other", "b").await;
    let two = provider.authorised("mine", "c").await;
    assert_eq!(read(&provider.get("/charges?order=mine").await.body), (vec![one, two], None));
    assert_eq!(read(&provider.get("/charges?order=nobody").await.body), (vec![], None));
}

#[tokio::test]
async fn full_books_take_no_further_charge_and_change_those_they_have() {
    let folder = folder();
    let limits = Limits { charges: 2, ..Limits::default() };
    let provider = Provider::start(Config { limits, ..config(folder.path()) }).await;
    let id = provider.authorised("1", "a").await;
    provider.authorised("1", "b").await;
    assert_eq!(provider.authorise("1", "c").await.problem(), (507, "books-full"));
    assert_eq!(provider.charges().await.len(), 2);
    assert_eq!(provider.capture(&id, "d", 500).await.status, 200);
}
