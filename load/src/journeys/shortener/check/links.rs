//! Acknowledged links: they exist with the right target.

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        request_list::RequestList,
        shortener::{
            api::{self, LinkTarget},
            facts,
        },
    },
    ledger::LedgerVerdict,
};

/// Looks up each link once.
pub(super) struct LinkCheck<'a, Links> {
    pub(super) seed: u64,
    pub(super) links: Links,
    pub(super) acknowledged: u64,
    pub(super) verdict: &'a mut LedgerVerdict,
}

impl<Links: Iterator<Item = (u64, String)> + Send> RequestList for LinkCheck<'_, Links> {
    type Item = (u64, String);

    fn next(&mut self) -> Option<(u64, String)> {
        let link = self.links.next()?;
        self.acknowledged += 1;
        Some(link)
    }

    fn write(&self, (_, code): &(u64, String), request: &mut RequestBuf) {
        api::look_up(code, request);
    }

    fn accept(&mut self, (number, code): &(u64, String), reply: &Reply<'_>) -> bool {
        let target = LinkTarget { seed: self.seed, number: *number };
        judge(self.verdict, target, code, reply).is_some()
    }
}

/// Counts a look-up as right, lost or wrong; returns the clicks, or `None` if the reply is not a response.
pub(super) fn judge(
    verdict: &mut LedgerVerdict,
    target: LinkTarget,
    code: &str,
    reply: &Reply<'_>,
) -> Option<u64> {
    match reply.status {
        404 | 410 => {
            verdict.note(facts::CHECKED, 1);
            verdict
                .broken(facts::LOST, || format!("link `{code}` to `{target}` was acknowledged and is gone"));
            Some(0)
        }
        200 => {
            let view = api::view(reply)?;
            verdict.note(facts::CHECKED, 1);
            if !target.is(&view.target, &mut String::new()) {
                verdict.broken(facts::WRONG, || {
                    format!("link `{code}` was acknowledged for `{target}` and leads to `{}`", view.target)
                });
            }
            Some(view.clicks)
        }
        _ => None,
    }
}
