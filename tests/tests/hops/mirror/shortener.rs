//! The shortener's contracts.

use async_trait::async_trait;
use backing::Topic;
use proptest::prelude::*;
use shortener::{
    ClickCount, ClickError, Clicked, Clicks, Code, Link, LinkError, LinkId, Links, Recorded, Removed,
    RequestKey, Shorten, Tallies, Tally, TallyId, Target,
};
use shortener_app::{
    remotes::{clicks, links},
    topics::Follows,
};

use super::{Hops, Mirror, moment, unavailable};

#[async_trait]
impl Links for Mirror {
    async fn shorten(&self, request: Shorten) -> Result<Link, LinkError> {
        self.reflect(request)
    }

    async fn resolve(&self, code: Code) -> Result<Link, LinkError> {
        self.reflect(code)
    }

    async fn remove(&self, code: Code) -> Result<Removed, LinkError> {
        self.reflect(code)
    }
}

#[async_trait]
impl Clicks for Mirror {
    async fn record(&self, tallies: Tallies) -> Result<Recorded, ClickError> {
        self.reflect(tallies)
    }

    async fn count(&self, link: LinkId) -> Result<ClickCount, ClickError> {
        self.reflect(link)
    }
}

/// Texts that resemble URLs, as far as they are targets.
fn target() -> impl Strategy<Value = Target> {
    let written = prop_oneof![
        "[hH][tT][tT][pP][sS]?:[/\\\\]{0,3}[!-~]{1,40}",
        "[a-zA-Z]{1,8}:[!-~]{1,40}",
        "https?://[a-zA-Z0-9.-]{1,30}(:[0-9]{1,5})?[/?#][!-~]{0,2100}",
        "https?://(\\[[0-9a-fA-F:.]{2,30}\\]|[0-9xX.]{1,15})/",
        "https?://[!-~]{1,10}@[!-~]{1,20}",
        Just("HTTP://EXAMPLE.COM/a".to_owned()),
    ];
    written.prop_filter_map("a target", |text| Target::parse(text).ok())
}

fn code() -> impl Strategy<Value = Code> {
    "[0-9A-Za-z_-]{1,32}".prop_map(|text| Code::parse(text).expect("a code"))
}

fn link_id() -> impl Strategy<Value = LinkId> {
    any::<u128>().prop_map(LinkId)
}

fn key() -> impl Strategy<Value = RequestKey> {
    "[!-~]{1,128}".prop_map(|text| RequestKey::parse(text).expect("a key"))
}

fn shorten() -> impl Strategy<Value = Shorten> {
    let option = prop::option::of::<BoxedStrategy<Code>>;
    (target(), option(code().boxed()), prop::option::of(moment()), key())
        .prop_map(|(target, alias, expires_at, key)| Shorten { target, alias, expires_at, key })
}

fn link() -> impl Strategy<Value = Link> {
    (link_id(), code(), target(), moment(), prop::option::of(moment())).prop_map(
        |(id, code, target, created_at, expires_at)| Link { id, code, target, created_at, expires_at },
    )
}

fn link_error() -> impl Strategy<Value = LinkError> {
    prop_oneof![
        code().prop_map(|alias| LinkError::AliasReserved { alias }),
        Just(LinkError::ExpiryInThePast),
        code().prop_map(|alias| LinkError::AliasTaken { alias }),
        Just(LinkError::KeyReused),
        code().prop_map(|code| LinkError::NotFound { code }),
        code().prop_map(|code| LinkError::Expired { code }),
        unavailable().prop_map(LinkError::Unavailable),
    ]
    // A new variant has to be added to the generator above.
    .prop_map(|error| match error {
        error @ (LinkError::AliasReserved { .. }
        | LinkError::ExpiryInThePast
        | LinkError::AliasTaken { .. }
        | LinkError::KeyReused
        | LinkError::NotFound { .. }
        | LinkError::Expired { .. }
        | LinkError::Unavailable(_)) => error,
    })
}

fn tallies() -> impl Strategy<Value = Tallies> {
    let counts = prop::collection::btree_map(link_id(), any::<u32>(), 0..5);
    let tally = (any::<u128>(), counts).prop_map(|(id, counts)| Tally { id: TallyId(id), counts });
    prop::collection::vec(tally, 0..5).prop_map(Tallies)
}

fn click_error() -> impl Strategy<Value = ClickError> {
    prop_oneof![Just(ClickError::TooManyCounts), unavailable().prop_map(ClickError::Unavailable)]
        // A new variant has to be added to the generator above.
        .prop_map(|error| match error {
            error @ (ClickError::TooManyCounts | ClickError::Unavailable(_)) => error,
        })
}

#[test]
fn what_is_asked_of_links_crosses_a_hop() {
    let links: Hops<dyn Links> = Hops::to(links::CONTRACT, |mirror| mirror);
    proptest!(|(asked in shorten(), says in prop::result::maybe_ok(link(), link_error()))| {
        links.carry(&asked, &says, &async |links, asked| links.shorten(asked).await)?;
        links.carry(&asked.alias.unwrap_or(Code::of_number(7)), &says, &async |links, code| links.resolve(code).await)?;
    });
    proptest!(|(asked in code(), says in prop::result::maybe_ok(Just(Removed), link_error()))| {
        links.carry(&asked, &says, &async |links, code| links.remove(code).await)?;
    });
}

#[test]
fn what_is_asked_of_clicks_crosses_a_hop() {
    let clicks: Hops<dyn Clicks> = Hops::to(clicks::CONTRACT, |mirror| mirror);
    proptest!(|(asked in tallies(), says in prop::result::maybe_ok(Just(Recorded), click_error()))| {
        clicks.carry(&asked, &says, &async |clicks, tallies| clicks.record(tallies).await)?;
    });
    let count = any::<u64>().prop_map(|clicks| ClickCount { clicks });
    proptest!(|(asked in link_id(), says in prop::result::maybe_ok(count, click_error()))| {
        clicks.carry(&asked, &says, &async |clicks, link| clicks.count(link).await)?;
    });
}

#[test]
fn an_event_is_the_same_after_its_message() {
    assert_eq!(Follows::type_name(), "lab.shortener.v1.Clicked");
    proptest!(|(link in link_id())| {
        let message = <Follows as Topic>::Message::from(Clicked { link });
        prop_assert_eq!(Clicked::try_from(message), Ok(Clicked { link }));
    });
}
