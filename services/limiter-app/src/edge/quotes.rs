//! The protected resource: sentences about rates, without a store behind them.

/// The quote of a number; every number has one.
pub(super) fn quote(number: u64) -> &'static str {
    QUOTES[(number % QUOTES.len() as u64) as usize]
}

const QUOTES: [&str; 20] = [
    "A queue is a promise to somebody who is not served yet.",
    "What nobody refuses, everybody waits for.",
    "The cheapest request is the one that is told to come back later.",
    "A limit that nobody feels protects nothing.",
    "Fairness begins where one caller stops being able to hurt another.",
    "Overload is not a number of requests; it is work that ends too late to matter.",
    "Whoever retries at once was not refused, only delayed.",
    "A bucket remembers what a window forgets.",
    "Two clocks never agree, and a limit that needs them to is a wish.",
    "Half a second is nothing to a person and a lifetime to a socket.",
    "To count exactly, ask one; to count quickly, ask nobody.",
    "A guard that is slower than the door is a second door.",
    "The burst that was allowed is the burst that will come.",
    "An average hides the minute in which it was wrong.",
    "Say no early, say no clearly, and say when to ask again.",
    "What is free to ask is asked for ever.",
    "A cache hides load until the day that it does not.",
    "Every counter is shared by those who cannot see each other.",
    "If failing open is safe, the limit was a courtesy; if failing closed is safe, so was the service.",
    "The last request of a window and the first of the next do not know each other.",
];
