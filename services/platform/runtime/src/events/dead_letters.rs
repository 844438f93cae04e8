//! The admin API of dead letters, for operators; `lab events` is its client.
//!
//! | request | reply |
//! |---|---|
//! | `GET /events/dead` | 200: the dead letters of this process's consumer groups and outboxes |
//! | `POST /events/dead/{topic}/replay` | 200: the number of replayed events; 404 if the process has no dead letters of the topic |
//!
//! Both: 503 if the store of the dead letters is unavailable. Only the internal server has these routes.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use backing::{DeadLetter, DeadLetters};
use contract::Unavailable;
use serde::Serialize;

/// The number of dead letters that are listed for each group.
const MOST: usize = 500;

/// The stores of dead letters, one for each group.
type Stores = Arc<[Arc<dyn DeadLetters>]>;

/// An error reply: the status and a line of text.
type Refusal = (StatusCode, String);

/// The reply to a replay.
#[derive(Serialize)]
struct Replayed {
    replayed: u64,
}

/// The routes of a process with these stores.
pub(crate) fn routes(stores: Vec<Arc<dyn DeadLetters>>) -> Router {
    Router::new()
        .route("/events/dead", get(list))
        .route("/events/dead/{topic}/replay", post(replay))
        .with_state(Stores::from(stores))
}

async fn list(State(stores): State<Stores>) -> Result<Json<Vec<DeadLetter>>, Refusal> {
    let mut letters = Vec::new();
    for of_group in &*stores {
        letters.extend(of_group.list(MOST).await.map_err(|error| unavailable(&error))?);
    }
    Ok(Json(letters))
}

async fn replay(State(stores): State<Stores>, Path(topic): Path<String>) -> Result<Json<Replayed>, Refusal> {
    if !stores.iter().any(|of_group| of_group.topic() == topic) {
        let none = format!("this process has no dead letters of the topic `{topic}`\n");
        return Err((StatusCode::NOT_FOUND, none));
    }
    let mut replayed = 0;
    for of_group in &*stores {
        if of_group.topic() == topic {
            replayed += of_group.replay().await.map_err(|error| unavailable(&error))?;
        }
    }
    Ok(Json(Replayed { replayed }))
}

fn unavailable(error: &Unavailable) -> Refusal {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n"))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use axum::{
        body::{Body, to_bytes},
        http::Request,
    };
    use contract::Why;
    use tower::ServiceExt as _;

    use super::*;

    /// A store with this many dead letters of a topic; `None`: unavailable.
    struct Of(&'static str, Option<u64>);

    #[async_trait]
    impl DeadLetters for Of {
        fn topic(&self) -> &'static str {
            self.0
        }

        async fn list(&self, _: usize) -> Result<Vec<DeadLetter>, Unavailable> {
            let letter = |number| DeadLetter {
                topic: self.0.to_owned(),
                group: "readers".to_owned(),
                place: format!("dead/0/{number}"),
                id: None,
                key: Some("key".to_owned()),
                type_name: None,
                bytes: 3,
                published: None,
                reason: "it has no event id of 16 bytes".to_owned(),
            };
            self.replay().await.map(|count| (0..count).map(letter).collect())
        }

        async fn replay(&self) -> Result<u64, Unavailable> {
            self.1.ok_or_else(|| Unavailable::new("kafka", Why::Unreachable))
        }
    }

    async fn answer(kept: Vec<Arc<dyn DeadLetters>>, method: &str, path: &str) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
        let reply = routes(kept).oneshot(request).await.expect("it cannot fail");
        let status = reply.status();
        let body = to_bytes(reply.into_body(), 4_096).await.expect("a short body");
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    fn kept(of: &[(&'static str, Option<u64>)]) -> Vec<Arc<dyn DeadLetters>> {
        of.iter().map(|(topic, count)| Arc::new(Of(topic, *count)) as _).collect()
    }

    #[tokio::test]
    async fn dead_letters_are_listed_and_replayed_by_their_topic() {
        let two = || kept(&[("orders", Some(2)), ("clicks", Some(1))]);
        let (status, body) = answer(two(), "GET", "/events/dead").await;
        let letters: Vec<DeadLetter> = serde_json::from_str(&body).expect("dead letters");
        assert_eq!((status, letters.len()), (StatusCode::OK, 3), "{body}");
        let replayed = answer(two(), "POST", "/events/dead/orders/replay").await;
        assert_eq!(replayed, (StatusCode::OK, r#"{"replayed":2}"#.to_owned()));
        assert_eq!(answer(two(), "POST", "/events/dead/other/replay").await.0, StatusCode::NOT_FOUND);
        assert_eq!(answer(Vec::new(), "GET", "/events/dead").await, (StatusCode::OK, "[]".to_owned()));
    }

    #[tokio::test]
    async fn an_unavailable_store_is_reported() {
        for (method, path) in [("GET", "/events/dead"), ("POST", "/events/dead/clicks/replay")] {
            let reply = answer(kept(&[("clicks", None)]), method, path).await;
            assert_eq!(reply, (StatusCode::SERVICE_UNAVAILABLE, "`kafka` cannot be reached\n".to_owned()));
        }
    }
}
