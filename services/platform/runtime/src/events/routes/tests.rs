//! That events go where their system declares, and that what it does not declare is an error.

use std::sync::{Mutex, PoisonError};

use backing::{Batching, Waiting};
use design::{Choice as _, ConsumerGroup, EDGE, Limits, NoRules, Placement, ProcessShape, Wiring};

use super::*;
use crate::events::example::{Letter, Letters, Posted};

/// The same letters on a topic that nobody declares.
struct Parcels;

impl Topic for Parcels {
    const NAME: &'static str = "parcels";
    type Payload = Posted;
    type Message = Letter;
}

const POST: System = System {
    name: "post",
    summary: "Posts letters.",
    components: &[("desk", "takes letters"), ("delivery", "brings them"), ("archive", "keeps them")],
    calls: &[],
    placements: &[Placement {
        name: "apart",
        summary: "each on its own",
        processes: &[
            ProcessShape::edge("gateway", &[]),
            ProcessShape::behind("desk", &["desk"]),
            ProcessShape::behind("others", &["delivery", "archive"]),
        ],
    }],
    axes: &[Events::AXIS],
    topics: &[TopicShape {
        name: "letters",
        summary: "a letter was posted",
        carries: "lab.post.v1.Letter",
        publishers: &["desk"],
        groups: &[
            ConsumerGroup { name: "delivering", component: "delivery" },
            ConsumerGroup { name: "keeping", component: "archive" },
        ],
    }],
    backings: &[],
    examples: &[],
    rules: &NoRules,
};
static SYSTEM: System = POST;
/// The same, with a declaration that the code does not keep.
static MISTAKEN: System = System {
    topics: &[TopicShape {
        name: "letters",
        summary: "a letter was posted",
        carries: "lab.post.v2.Letter",
        publishers: &[EDGE],
        groups: &[],
    }],
    ..POST
};

#[derive(Default)]
struct Letterbox(Mutex<Vec<String>>);

#[async_trait]
impl Subscriber<Letters> for Letterbox {
    async fn receive(&self, events: &[Event<Posted>], _: Batching) -> Result<(), Unavailable> {
        let texts = events.iter().map(|event| event.payload.0.clone());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(texts);
        Ok(())
    }
}

impl Letterbox {
    fn texts(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn process(system: &'static System, events: &str, here: &[&'static str]) -> (Topics, Backings) {
    let wiring = Wiring::with(system, [("events", events)]).expect("a value");
    let mut backings = Backings::new(
        BTreeMap::new(),
        wiring,
        resilience::Preset::None,
        Limits::default(),
        Waiting::default(),
    );
    let topics = Topics::new(system, here.to_vec(), &mut backings).expect("its topics");
    (topics, backings)
}

fn letter(text: &str) -> Event<Posted> {
    Event::new(1, "key", Posted(text.to_owned()))
}

#[tokio::test(start_paused = true)]
async fn an_event_that_a_component_publishes_reaches_every_group_of_its_topic() {
    for events in ["inline", "memory"] {
        let (mut topics, mut backings) = process(&SYSTEM, events, &["desk"]);
        let publisher = topics.publisher::<Letters>("desk").expect("it is declared");
        let early = publisher.publish(letter("early")).await.expect_err("nothing is connected yet");
        assert_eq!(Unavailable::from(early), Unavailable::new("events", Why::Unreachable));
        let boxes = [Arc::new(Letterbox::default()), Arc::new(Letterbox::default())];
        topics.subscribe::<Letters>("delivering", Arc::clone(&boxes[0]) as _).expect("it is declared");
        topics.subscribe::<Letters>("keeping", Arc::clone(&boxes[1]) as _).expect("it is declared");
        topics.connect(&mut backings).expect("everything is there");
        publisher.publish(letter("hello")).await.expect("it is taken");
        backings.background.stop().await;
        for letters in &boxes {
            assert_eq!(letters.texts(), ["hello"], "{events}");
        }
        assert_eq!(publisher.pending().await, Ok(0));
        assert_eq!(backings.dead_letters.len(), if events == "memory" { 2 } else { 0 });
    }
}

#[tokio::test]
async fn where_no_publisher_is_hosted_nothing_is_published() {
    let (mut topics, mut backings) = process(&SYSTEM, "inline", &[EDGE]);
    let publisher = topics.publisher::<Letters>("desk").expect("it is declared");
    topics.subscribe::<Letters>("delivering", Arc::new(Letterbox::default())).expect("it is declared");
    topics.subscribe::<Letters>("keeping", Arc::new(Letterbox::default())).expect("it is declared");
    topics.connect(&mut backings).expect("everything is there");
    let refused = publisher.publish(letter("hello")).await.expect_err("the desk is elsewhere");
    assert_eq!(Unavailable::from(refused), Unavailable::new("events", Why::Broken));
}

#[tokio::test]
async fn what_is_not_declared_is_an_error_with_a_hint() {
    let told = |error: anyhow::Error, what: &str| {
        let told = error.to_string();
        assert!(told.contains(what) && told.contains("\nhint: "), "{told}");
    };
    let (mut topics, mut backings) = process(&SYSTEM, "inline", &["desk"]);
    told(
        topics.publisher::<Parcels>("desk").err().expect("no such topic"),
        "the post has no topic `parcels`",
    );
    told(topics.publisher::<Letters>(EDGE).err().expect("no publisher"), "`edge` is no publisher");
    let subscribe =
        |topics: &mut Topics, group| topics.subscribe::<Letters>(group, Arc::new(Letterbox::default()));
    told(subscribe(&mut topics, "reading").expect_err("no such group"), "has no consumer group `reading`");
    subscribe(&mut topics, "delivering").expect("it is declared");
    let twice = subscribe(&mut topics, "delivering").expect_err("twice").to_string();
    assert!(twice.contains("two subscribers"), "{twice}");
    told(topics.connect(&mut backings).expect_err("nobody keeps"), "for its consumer group `keeping`");
    let (mut mistaken, _) = process(&MISTAKEN, "inline", &[EDGE]);
    let error = mistaken.publisher::<Letters>(EDGE).err().expect("another type");
    told(error, "carries `lab.post.v1.Letter`, and is declared to carry `lab.post.v2.Letter`");
}
