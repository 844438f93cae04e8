//! The axes of the chain's own.

design::axis! {
    /// How many services stand one behind another?
    pub enum Depth = "depth" {
        One = "1" => "the edge asks `back`, which makes parts",
        Two = "2" => "the edge asks `middle`, which asks `back`",
        Three = "3" => "the edge asks `front`, which asks `middle`, which asks `back`",
    }
}

design::axis! {
    /// How many parts does a page have, each asked for by a call of its own, all at once?
    pub enum Fanout = "fanout" {
        One = "1" => "one",
        Ten = "10" => "ten",
        Hundred = "100" => "a hundred",
    }
}

design::axis! {
    /// How much work may wait in line for `back`?
    pub enum Queue = "queue" {
        Bounded = "bounded" => "as much as can be done in a tenth of a second; work whose caller gave up leaves the queue",
        Unbounded = "unbounded" => "all that comes, and it is done whether or not anybody still waits for it"
            but "under overload it works for callers that are gone",
    }
}

design::axis! {
    /// What does a part cost `back`?
    pub enum Work = "work" {
        Scarce = "scarce" => "40 ms of one of four workers: a hundred parts a second, and no more",
        Uneven = "uneven" => "5 ms, of one in a hundred half a second; there are workers enough",
    }
}

impl Fanout {
    /// The same as a number.
    pub const fn parts(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Ten => 10,
            Self::Hundred => 100,
        }
    }
}
