//! The sagas that run, are overdue or are parked, for operators and for a ledger.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts as Head,
};
use cart::{
    Doing, MAX_SAGAS, OrderId, Purchase, Refunding, RepairSaga, SagaQuery, SagaStanding, SagaState,
    StepProgress, Undoing,
};
use runtime::edge::{
    Problem,
    parameters::{limit, query_parameter},
};
use serde::Serialize;
use utoipa::{IntoParams, PartialSchema as _, ToSchema};

use super::{
    Parts,
    body::{OrderShown, status},
    parameters::ByOrder,
    problems::{Refused, of_orders},
    schemas,
};

/// A checkout that has not ended, or one with a refund that has not.
#[derive(Serialize, ToSchema)]
struct SagaShown {
    /// Its order.
    #[schema(schema_with = schemas::Id::schema)]
    order: String,
    #[schema(schema_with = schemas::Status::schema)]
    status: &'static str,
    #[schema(schema_with = schemas::SagaState::schema)]
    state: &'static str,
    /// Its steps, in order.
    steps: Vec<StepShown>,
    /// How often the current command was sent.
    sent: u32,
    /// When it is sent again, or given up, in milliseconds since 1970-01-01 00:00 UTC.
    due_ms: u64,
    /// The refunds whose replies are missing, at most 100.
    refunds: Vec<RefundingShown>,
}

/// A refund whose reply is missing.
#[derive(Serialize, ToSchema)]
struct RefundingShown {
    #[schema(schema_with = schemas::Id::schema)]
    id: String,
    /// How often its command was sent.
    sent: u32,
    /// When it is sent again, or given up, in milliseconds since 1970-01-01 00:00 UTC.
    due_ms: u64,
    /// Whether it was given up, and waits for a person.
    is_parked: bool,
}

impl From<Refunding> for RefundingShown {
    fn from(Refunding { id, sent, due, is_parked }: Refunding) -> Self {
        Self { id: id.to_string(), sent, due_ms: due.millis(), is_parked }
    }
}

/// A step of a checkout.
#[derive(Serialize, ToSchema)]
struct StepShown {
    #[schema(schema_with = schemas::Participant::schema)]
    participant: &'static str,
    #[schema(schema_with = schemas::Command::schema)]
    command: &'static str,
    #[schema(schema_with = schemas::Doing::schema)]
    doing: &'static str,
    #[schema(schema_with = schemas::Compensation::schema)]
    compensation: &'static str,
    #[schema(schema_with = schemas::Undoing::schema)]
    undoing: &'static str,
}

impl From<Purchase> for SagaShown {
    fn from(Purchase { order, saga, refunding, .. }: Purchase) -> Self {
        let state = match saga.state {
            SagaState::Forward => "forward",
            SagaState::Backward => "backward",
            SagaState::ParkedForward => "parked-forward",
            SagaState::ParkedBackward => "parked-backward",
            SagaState::Done => "done",
            SagaState::Compensated => "compensated",
        };
        Self {
            order: order.id.to_string(),
            status: status(order.status),
            state,
            steps: saga.steps.into_iter().map(StepShown::from).collect(),
            sent: saga.sent,
            due_ms: saga.due.millis(),
            refunds: refunding.into_iter().map(RefundingShown::from).collect(),
        }
    }
}

impl From<StepProgress> for StepShown {
    fn from(progress: StepProgress) -> Self {
        let spec = progress.step.spec();
        let doing = match progress.doing {
            Doing::Waiting => "waiting",
            Doing::Sent => "sent",
            Doing::Done => "done",
            Doing::Refused => "refused",
        };
        let undoing = match progress.undoing {
            Undoing::Waiting => "waiting",
            Undoing::Sent => "sent",
            Undoing::Done => "done",
            Undoing::Failed => "failed",
        };
        Self {
            participant: spec.participant,
            command: spec.command,
            doing,
            compensation: spec.compensation,
            undoing,
        }
    }
}

/// Which sagas to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields describe the parameters, and the query is what is read of them")]
pub(super) struct Listed {
    #[param(schema_with = schemas::Standing::schema)]
    standing: Option<String>,
    #[param(schema_with = schemas::AfterOrder::schema)]
    after: Option<String>,
    #[param(schema_with = schemas::SagaLimit::schema)]
    limit: Option<u32>,
}

/// What [`Listed`] describes.
pub(super) struct Query(SagaQuery);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        let standing = match query_parameter(head, "standing")?.as_deref() {
            None | Some("parked") => SagaStanding::Parked,
            Some("stuck") => SagaStanding::Stuck,
            Some("running") => SagaStanding::Running,
            Some(_) => {
                let detail = "`standing` is `running`, `stuck` or `parked`".to_owned();
                return Err(Problem::unprocessable("invalid-standing", "Invalid value", detail));
            }
        };
        let after = query_parameter(head, "after")?.map(|text| OrderId::parse(&text)).transpose();
        let after = after.map_err(|error| Problem::invalid("after", &error))?;
        Ok(Self(SagaQuery { standing, after, limit: limit(head, MAX_SAGAS, MAX_SAGAS)? }))
    }
}

/// Sagas of one standing.
#[derive(Serialize, ToSchema)]
pub(super) struct SagasShown {
    /// By the ids of their orders; the last one is the `after` of the next page.
    sagas: Vec<SagaShown>,
}

/// Lists sagas that run, are overdue or are parked, by the ids of their orders.
#[utoipa::path(get, path = "/admin/sagas", params(Listed), responses(
    Problem,
    (status = 200, description = "The sagas", body = SagasShown),
    (status = 422, description = "A parameter is not acceptable"),
))]
pub(super) async fn list(
    State(shop): State<Arc<Parts>>,
    Query(query): Query,
) -> Result<Json<SagasShown>, Refused> {
    let sagas = shop.orders.sagas(query).await.map_err(of_orders)?;
    Ok(Json(SagasShown { sagas: sagas.0.into_iter().map(SagaShown::from).collect() }))
}

/// Has a parked saga, or a parked refund, try again.
#[utoipa::path(post, path = "/admin/sagas/{order}/repair", params(ByOrder), responses(
    Problem,
    (status = 200, description = "The order as it is now", body = OrderShown),
    (status = 404, description = "There is no such order"),
    (status = 409, description = "The saga is not parked"),
))]
pub(super) async fn repair(
    State(shop): State<Arc<Parts>>,
    ByOrder(order): ByOrder,
) -> Result<Json<OrderShown>, Refused> {
    let repaired = shop.orders.repair(RepairSaga { order }).await.map_err(of_orders)?;
    Ok(Json(repaired.into()))
}
