//! The axes of the cart's own, and what of its logic their values choose.

design::axis! {
    /// How is a checkout kept whole?
    pub enum Checkout = "checkout" {
        Transaction = "transaction" => "the money is held, and one transaction sells the goods and stores the order",
        Saga = "saga" => "a transaction for each step, with an outbox, a timer and compensations",
        DualWrite = "dual-write" => "as a saga, but what is to be sent is sent after the commit"
            but "a process that is killed between commit and publish leaves an order that stands still for ever",
        ChargeFirst = "charge-first" => "the money is taken, and then everything else is done by calls"
            but "what fails behind the charge leaves a customer who has paid, and no order",
    }
}

design::axis! {
    /// How does a message leave the transaction that it belongs to?
    pub enum Outbox = "outbox" {
        Relayed = "relayed" => "as a row of the transaction, which a relay publishes until it is acknowledged",
        NoRelay = "no-relay" => "published once, after the commit"
            but "a message whose process is killed, or whose broker is away, at that moment is lost",
    }
}

design::axis! {
    /// How is the last item kept from being sold twice?
    pub enum StockStrategy = "stock" {
        RowLock = "row-lock" => "the product's row is locked, read, checked and written",
        AtomicUpdate = "atomic-update" => "one statement takes the goods if they are there",
        Optimistic = "optimistic" => "the row is read, and written if nobody has written it since; else once more",
        Clamp = "clamp" => "takes what is there, and says nothing if that is less"
            but "the shop oversells: customers pay for goods that do not exist",
        CheckThenAct = "check-then-act" => "the row is read without a lock, checked, and written"
            but "two who read the same last item both take it",
    }
}

design::axis! {
    /// Does a repeated checkout run once?
    pub enum Idempotency = "idempotency" {
        On = "on" => "a key runs one checkout, and its first reply is repeated for 24 hours",
        Off = "off" => "keys are ignored" but "a client that tries again after a time-out pays twice",
    }
}

design::axis! {
    /// What does the public API speak?
    pub enum EdgeStyle = "edge" {
        Rest = "rest" => "resources: a page asks for each thing that it needs, and gets all of it",
        Graphql = "graphql" => "GraphQL as well: a page asks once, for what it needs and no more",
        Grpc = "grpc" => "gRPC as well: a page asks for each thing, all at once over one connection",
    }
}

design::axis! {
    /// Whom do clients of the public API call?
    pub enum Routing = "routing" {
        Gateway = "gateway" => "one process, which calls the components wherever they are",
        Direct = "direct" => "the process whose component it is about, at an address of its own",
    }
}

design::axis! {
    /// How does the payment provider behave?
    pub enum Provider = "provider" {
        Sound = "sound" => "it replies in some milliseconds, and tells of each charge once" needs Provider,
        Unsound = "unsound"
            => "one reply in ten never comes although the work is done, webhooks come twice, early, late or never"
            needs Provider,
        Declining = "declining" => "it declines three charges in ten" needs Provider,
    }
}

impl From<Idempotency> for cart::Idempotency {
    fn from(idempotency: Idempotency) -> Self {
        match idempotency {
            Idempotency::On => Self::On,
            Idempotency::Off => Self::Off,
        }
    }
}
