//! Awaits a future and turns its panic into an error.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

/// The output of a future, or the message of its panic. A task of its own would do the same, but costs an aligned
/// allocation and two more turns of the scheduler, which thousands of instances notice. The future is on the heap: its
/// place exists only while it runs.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = Box::pin(future);
    // After a panic the future is dropped, and not polled again.
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(payload) => Poll::Ready(Err(message(&*payload))),
    })
    .await
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_also_after_a_wait() {
        assert_eq!(caught(async { 7 }).await, Ok(7));
        let name = "disk-space";
        let panics = caught(async move {
            tokio::task::yield_now().await;
            panic!("{name}, on purpose")
        });
        assert_eq!(panics.await, Err::<(), _>("disk-space, on purpose".to_owned()));
        let panics: Result<(), _> = caught(async { panic!("on purpose") }).await;
        assert_eq!(panics, Err("on purpose".to_owned()));
        let panics: Result<(), _> = caught(async { std::panic::panic_any(7) }).await;
        assert_eq!(panics, Err("no message".to_owned()));
    }
}
