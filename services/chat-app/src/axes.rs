//! The axes of the chat's own, and what of its logic their values choose.

design::axis! {
    /// How does a record reach the processes that hold the connections?
    pub enum Fanout = "fanout" {
        Process = "process" => "by a call to the one process that holds all of them",
        Redis = "redis" => "by publish and subscribe in a Redis server, at most once" needs Redis,
        Kafka = "kafka" => "by a topic that each of these processes reads as a whole" needs Kafka,
    }
}

design::axis! {
    /// Which gateway does a client that comes back go to?
    pub enum Sessions = "sessions" {
        Sticky = "sticky" => "the one that it was at, as long as that can be reached",
        Any = "any" => "the next one",
    }
}

design::axis! {
    /// What happens to a client that does not read what is sent to it?
    pub enum SlowConsumer = "slow-consumer" {
        DisconnectAndResume = "disconnect-and-resume"
            => "a bounded queue; who is behind it is disconnected, and resumes from its position",
        Unbounded = "unbounded" => "whatever is not read waits in the process's memory"
            but "clients that do not read take memory until there is none, and nobody is told",
    }
}

design::axis! {
    /// What comes first: the store, or the members?
    pub enum Write = "write" {
        StoreThenDeliver = "store-then-deliver" => "a message is stored, and then delivered and acknowledged",
        DeliverThenStore = "deliver-then-store" => "a message is delivered under the next number, and then stored"
            but "a process that is killed in between has shown a message that no history has, and shows it again when it is retried",
    }
}

design::axis! {
    /// Where does a client that comes back get what it has missed?
    pub enum Recovery = "recovery" {
        History = "history" => "from the store",
        Window = "window" => "from the last records in the process's memory, and from the store what is older",
        None = "none" => "nowhere: it goes on with what comes next"
            but "whatever was sent while a client was away never reaches it",
    }
}

impl From<Write> for chat::WriteOrder {
    fn from(write: Write) -> Self {
        match write {
            Write::StoreThenDeliver => Self::StoreThenDeliver,
            Write::DeliverThenStore => Self::DeliverThenStore,
        }
    }
}
