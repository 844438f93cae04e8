//! The bare reference one gRPC call away: tonic's server, and its client over a `Channel`, sharing only the
//! messages with this project.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, Uri},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use shortener_app::remotes::proto::{
    Link, RemoveRequest, RemoveResponse, ResolveRequest, ResolveResponse, ShortenRequest, ShortenResponse,
    links_service_client::LinksServiceClient,
    links_service_server::{LinksService, LinksServiceServer},
};
use tonic::{
    Request, Status,
    transport::{Channel, Endpoint, Server},
};

use super::{created, redirect, serve_router};

type Client = LinksServiceClient<Channel>;

/// Serves links by gRPC on this address with one thread, until the process is killed.
pub(super) fn serve(address: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let service = LinksServiceServer::new(Links::default());
    let server = Server::builder().tcp_nodelay(true).add_service(service);
    Ok(runtime.block_on(server.serve(address))?)
}

/// Serves the public API, with the links in the bare gRPC server at `back`.
pub(super) fn serve_before(address: SocketAddr, back: SocketAddr) -> anyhow::Result<()> {
    let root = Uri::builder().scheme("http").authority(back.to_string()).path_and_query("/").build()?;
    serve_router(address, move || {
        let channel = Endpoint::from(root).tcp_nodelay(true).connect_lazy();
        Router::new()
            .route("/{code}", get(follow))
            .route("/links", post(shorten))
            .with_state(Client::new(channel))
    })?;
    Ok(())
}

async fn follow(State(mut client): State<Client>, Path(code): Path<String>) -> Response {
    let answer = client.resolve(ResolveRequest { code }).await;
    redirect(answer.ok().and_then(|reply| reply.into_inner().link).map(|link| link.target))
}

async fn shorten(State(mut client): State<Client>, Json(body): Json<Value>) -> Response {
    let target = body["target"].as_str().unwrap_or_default().to_owned();
    let answer = client.shorten(ShortenRequest { target, ..ShortenRequest::default() }).await;
    match answer.ok().and_then(|reply| reply.into_inner().link) {
        Some(link) => created(json!({ "code": link.code, "target": link.target })),
        None => StatusCode::BAD_GATEWAY.into_response(),
    }
}

#[derive(Default)]
struct Links(Arc<RwLock<HashMap<String, Link>>>);

#[tonic::async_trait]
impl LinksService for Links {
    async fn shorten(
        &self,
        request: Request<ShortenRequest>,
    ) -> Result<tonic::Response<ShortenResponse>, Status> {
        let mut links = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let (code, target) = (format!("{:07}", links.len()), request.into_inner().target);
        let link = Link { code: code.clone(), target, ..Link::default() };
        links.insert(code, link.clone());
        Ok(tonic::Response::new(ShortenResponse { link: Some(link) }))
    }

    async fn resolve(
        &self,
        request: Request<ResolveRequest>,
    ) -> Result<tonic::Response<ResolveResponse>, Status> {
        let links = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let link = links.get(&request.into_inner().code).cloned();
        Ok(tonic::Response::new(ResolveResponse { link }))
    }

    async fn remove(&self, _: Request<RemoveRequest>) -> Result<tonic::Response<RemoveResponse>, Status> {
        Err(Status::unimplemented("nothing is removed"))
    }
}
