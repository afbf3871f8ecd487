import { FicusError, reasonOf } from '#core/errors';

/** Events of this partition are lost, or its topic is another one under the same name. */
export function lostLog(topic: string, partition: number): FicusError {
  return new FicusError(
    'log_replaced',
    `topic ${topic} partition ${partition} has no record at the offset that was applied last: records expired before ` +
      'they were applied, or the topic was made anew; nothing more of it is applied until an operator has ordered a new epoch',
  );
}

/** An error of the broker in Ficus's terms. */
export function kafkaError(cause: unknown): FicusError {
  return new FicusError('kafka_unavailable', `Kafka: ${reasonOf(cause)}`, { cause, retryable: true });
}
