//! Measures the processor time of a future: that of the thread that polls it, while it polls. Guest code runs there.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use ansai_kit::processor::thread_time;

/// Runs a future to its end; answers its processor time too.
pub(crate) async fn metered<F: Future>(future: F) -> (F::Output, Duration) {
    let mut spent = Duration::ZERO;
    let output = Metered { future: pin!(future), spent: &mut spent }.await;
    (output, spent)
}

struct Metered<'a, F> {
    future: Pin<&'a mut F>,
    spent: &'a mut Duration,
}

impl<F: Future> Future for Metered<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let before = thread_time();
        let polled = self.future.as_mut().poll(context);
        *self.spent += thread_time().saturating_sub(before);
        polled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waiting costs nothing, and work costs what it takes: in both directions, without a clock that waits.
    #[tokio::test]
    async fn work_counts_and_waiting_does_not() {
        let work = async {
            let began = thread_time();
            while thread_time() - began < Duration::from_millis(20) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
            7
        };
        let (output, spent) = metered(work).await;
        assert_eq!(output, 7);
        assert!(spent >= Duration::from_millis(20), "{spent:?}");
        let ((), spent) = metered(tokio::time::sleep(Duration::from_millis(50))).await;
        assert!(spent < Duration::from_millis(50), "{spent:?}");
    }
}
