//! What the description of an API says of every operation, because it comes from what all of them stand on.

use utoipa::{
    Modify,
    openapi::{Content, OpenApi, PathItem, Ref, Response, path::Operation},
};

/// Replies that any request may get.
const ANY: [(&str, &str); 6] = [
    (
        "400",
        "The request is malformed: its first line, its `Host`, a header field that is there twice, a value in it",
    ),
    ("414", "The request's target is longer than a server takes"),
    ("431", "The header fields are more, or larger, than a server takes"),
    ("500", "An internal error; retrying does not help"),
    ("503", "A component is away, or too many requests are in flight"),
    ("504", "The deadline passed; whether it had an effect is not known"),
];

/// And those that a request with a body may get.
const WITH_A_BODY: [(&str, &str); 3] = [
    ("408", "The body took more than half of the request's time to arrive"),
    ("413", "The body has, or announces, more bytes than are taken"),
    ("415", "The body is not JSON"),
];

/// Adds to each operation the replies that it need not speak of itself; what it says of them stands.
pub struct EveryOperation;

impl Modify for EveryOperation {
    fn modify(&self, openapi: &mut OpenApi) {
        for operation in openapi.paths.paths.values_mut().flat_map(operations) {
            let with_a_body = operation.request_body.as_ref().map_or(&[][..], |_| &WITH_A_BODY);
            for (status, description) in ANY.iter().chain(with_a_body) {
                let responses = &mut operation.responses.responses;
                responses.entry((*status).to_owned()).or_insert_with(|| problem(description).into());
            }
        }
    }
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = path;
    [get, put, post, delete, patch].into_iter().flatten()
}

fn problem(description: &str) -> Response {
    let mut response = Response::new(description);
    let document = Content::new(Some(Ref::from_schema_name("ProblemShown")));
    response.content.insert("application/problem+json".to_owned(), document.into());
    response
}
