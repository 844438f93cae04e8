//! The standard gRPC services of a process.
//!
//! Server reflection, which `grpcurl` uses to list, describe and call services
//! (<https://grpc.io/docs/guides/reflection/>), and health checking
//! (<https://grpc.io/docs/guides/health-checking/>). A service has the health of its process.

use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::{Router, middleware::from_fn};
use futures::stream::{self, BoxStream};
use tokio::time::sleep;
use tonic::{Request, Response, Status, server::NamedService as _};
use tonic_health::pb::{
    self, HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{Health as HealthService, HealthServer},
};
use tonic_reflection::server::Builder;

use crate::health::Health;

const HEALTH: &str = HealthServer::<Readiness>::NAME;
const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";

/// The interval at which a health watch looks for a change.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Both services, for a process with these services; `descriptors` contains their `.proto` files.
pub(crate) fn routes(
    health: &Health,
    services: Vec<&'static str>,
    descriptors: &'static [u8],
) -> Result<Router> {
    let all = services.iter().copied().chain([HEALTH, REFLECTION]);
    let reflection = reflecting(all, descriptors)?;
    let health = HealthServer::new(Readiness { health: health.clone(), services });
    let health = Router::new().route_service(&format!("/{HEALTH}/{{method}}"), health);
    Ok(health.route_layer(from_fn(remote::only_grpc)).merge(reflection))
}

/// Server reflection of a public API in gRPC: of one service, which `descriptors` describe.
///
/// # Panics
///
/// If these are no descriptors: they are made when the program is compiled.
pub fn reflection(service: &'static str, descriptors: &'static [u8]) -> Router {
    reflecting([service, REFLECTION].into_iter(), descriptors).expect("the descriptors are compiled ones")
}

/// The reflection of these services.
fn reflecting(services: impl Iterator<Item = &'static str>, descriptors: &'static [u8]) -> Result<Router> {
    let reflection = services
        .fold(Builder::configure(), Builder::with_service_name)
        .register_encoded_file_descriptor_set(descriptors)
        .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
        // The details of an error status, so that a client can decode them as well.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .context("the descriptors of the components cannot be read")?;
    let routes = Router::new().route_service(&format!("/{REFLECTION}/{{method}}"), reflection);
    Ok(routes.route_layer(from_fn(remote::only_grpc)))
}

/// The gRPC health service. tonic's own `HealthReporter` has to be updated on each change; this one reads the
/// current state, so it always agrees with `/health/ready`.
struct Readiness {
    health: Health,
    services: Vec<&'static str>,
}

impl Readiness {
    /// Whether this service is here; the empty name means the process as a whole.
    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.services.contains(&service)
    }
}

async fn status(health: &Health) -> ServingStatus {
    if health.lacks().await.is_empty() { ServingStatus::Serving } else { ServingStatus::NotServing }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[async_trait::async_trait]
impl HealthService for Readiness {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !self.knows(&request.get_ref().service) {
            return Err(Status::not_found("no such service is served here"));
        }
        Ok(Response::new(response(status(&self.health).await)))
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    /// The current status, then each change. The stream ends when the process stops, because it would delay
    /// the stop.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        if !self.knows(&request.get_ref().service) {
            // The services of a process do not change while it runs.
            let unknown = async { Ok(response(ServingStatus::ServiceUnknown)) };
            return Ok(Response::new(Box::pin(stream::once(unknown))));
        }
        let changes = stream::unfold((self.health.clone(), None), |(health, before)| async move {
            loop {
                let now = status(&health).await;
                if before != Some(now) {
                    return Some((Ok(response(now)), (health, Some(now))));
                }
                if health.is_stopping() {
                    return None;
                }
                sleep(LOOK_EVERY).await;
            }
        });
        Ok(Response::new(Box::pin(changes)))
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    /// A client of a process with the service `links`, without a network.
    fn client(health: &Health) -> HealthClient<Router> {
        let services = vec!["lab.shortener.v1.LinksService"];
        HealthClient::new(routes(health, services, &[]).expect("no descriptors are as good as any"))
    }

    fn of(service: &str) -> HealthCheckRequest {
        HealthCheckRequest { service: service.to_owned() }
    }

    #[tokio::test]
    async fn a_service_is_as_ready_as_its_process() {
        let health = Health::default();
        let mut client = client(&health);
        for (step, expected) in [
            (None, ServingStatus::NotServing),
            (Some(Health::is_wired as fn(&Health, _)), ServingStatus::Serving),
            (Some(|health: &Health, _| health.stops()), ServingStatus::NotServing),
        ] {
            if let Some(step) = step {
                step(&health, Vec::new());
            }
            for service in ["", "lab.shortener.v1.LinksService"] {
                let reply = client.check(of(service)).await.expect("it is known");
                assert_eq!(reply.into_inner(), response(expected), "`{service}`");
            }
            let unknown = client.check(of("lab.shortener.v1.ClicksService")).await;
            assert_eq!(unknown.expect_err("it is elsewhere").code(), tonic::Code::NotFound);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn somebody_who_watches_is_told_of_each_change_and_does_not_hold_up_the_end() {
        let health = Health::default();
        let watched = client(&health).watch(of("")).await.expect("it is known").into_inner();
        let mut told = watched.map(|told| told.expect("it does not fail").status());
        assert_eq!(told.next().await, Some(ServingStatus::NotServing));
        health.is_wired(Vec::new());
        assert_eq!(told.next().await, Some(ServingStatus::Serving));
        health.stops();
        assert_eq!(told.next().await, Some(ServingStatus::NotServing));
        assert_eq!(told.next().await, None);
    }
}
