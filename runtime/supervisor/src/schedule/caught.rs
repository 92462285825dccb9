//! Awaits a future and turns its panic into an error.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

/// The output of a future, or the message of its panic. A task of its own would do the same, but costs an aligned
/// allocation and two more turns of the scheduler, which thousands of instances notice. The future is on the heap: its
/// place exists only while it runs.
pub(super) async fn caught<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let mut future = Some(Box::pin(future));
    poll_fn(move |context| {
        let Some(running) = future.as_mut() else { return Poll::Ready(Err("polled after its end".to_owned())) };
        let polled = match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(context))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(payload) => Err(message(payload)),
        };
        // What a future drops can panic, too: here, and not in the task of the caller.
        let dropped = catch_unwind(AssertUnwindSafe(|| drop(future.take()))).map_err(message);
        Poll::Ready(polled.and_then(|output| dropped.map(|()| output)))
    })
    .await
}

fn message(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned();
    // A payload that panics when it is dropped has one of its own, which is not dropped.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
    text
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

    /// Panics when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("dropped, on purpose");
        }
    }

    /// Panics when it is polled, if it is to, and when it is dropped.
    struct Panics(bool, Bomb);

    impl Future for Panics {
        type Output = u8;

        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<u8> {
            assert!(!self.0, "polled, on purpose");
            Poll::Ready(7)
        }
    }

    /// Would break: a future that is dropped in the task of the caller, whose schedule ends with the second panic.
    #[tokio::test]
    async fn a_panic_of_what_is_dropped_is_an_error() {
        assert_eq!(caught(Panics(true, Bomb)).await, Err("polled, on purpose".to_owned()));
        assert_eq!(caught(Panics(false, Bomb)).await, Err("dropped, on purpose".to_owned()));
        let panics: Result<(), _> = caught(async { std::panic::panic_any(Bomb) }).await;
        assert_eq!(panics, Err("no message".to_owned()));
    }
}
