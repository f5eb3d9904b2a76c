export { decodeBatch, TRANSFER_DATA_BYTES_MAX, writeBatch } from './batch.js';
export {
  ARGUMENT_BYTES_MAX,
  CAST_OVERHEAD_BYTES,
  castBytes,
  decodeDelivery,
  decodeTotals,
  OUTBOX_BYTES_MAX,
  OUTBOX_CASTS_MAX,
  writeDelivery,
  writeTotals,
} from './cast.js';
export { outboxGrant, storedLetter } from './cast-request.js';
export { decodeChangeRecord, encodeChangeRecord } from './change-record.js';
export {
  decodeCall,
  decodeNumber,
  decodeReplies,
  decodeReply,
  readOutcome,
  readOutcomes,
  writeCall,
  writeOutcome,
  writeReplies,
} from './call-messages.js';
export { armFailpoints, failpoint, isArmed, withoutFailpoints } from './failpoint.js';
export { anything, binary, expectMessage, flag, listOf, natural, oneOf, optional, record, text } from './field.js';
export {
  DIGEST_BYTES,
  KEEP_OUTCOME_MS_MAX,
  OUTCOME_KEY_BYTES_MAX,
  readOutcomeKey,
  writeOutcomeKey,
} from './outcome-key.js';
export { DeadlineWatch, HandlerDeadline, WATCH_INTERVAL_MS } from './handler-deadline.js';
export { frameBootstrap, LIFELINE_BEAT, readBootstrap, unframeBootstrap, watchLifeline } from './lifeline.js';
export {
  changed,
  expect,
  fenced,
  keeperFailed,
  keeperReady,
  mail,
  moved,
  requestMessage,
  response,
  resume,
  shutdown,
  violated,
  welcome,
} from './keeper-messages.js';
export { decodeControl, FrameKind, sendControl } from './messages.js';
export { isHiddenTable, migrationProgressFields, tableDeclaration } from './table-grant.js';
export { transferNotice } from './table-move.js';
export {
  activate,
  active,
  adopt,
  ask,
  continued,
  crash,
  ignored,
  initFailed,
  keeper,
  keeperLost,
  leave,
  loadFailed,
  ready,
  stop,
  stopped,
  timerDue,
} from './worker-messages.js';
export { ByteReader } from './byte-reader.js';
export { ByteWriter } from './byte-writer.js';
export { connect, CONNECT_TIMEOUT_MS, listen, SERVER_CONNECTIONS_MAX } from './connect.js';
export { CLOSE_TIMEOUT_MS, CONGESTED_BYTES, Connection, SEND_BYTES_MAX } from './connection.js';
export {
  decodeError,
  encodeError,
  ERROR_CAUSE_DEPTH_MAX,
  ERROR_DETAILS_BYTES_MAX,
  ERROR_TEXT_CHARS_MAX,
  registerErrorClass,
} from './error-codec.js';
export { WireError } from './errors.js';
export { FRAME_BYTES_MAX, FRAME_HEADER_BYTES, FrameParser, FrameWriter, WIRE_VERSION } from './frame.js';
export { acceptHello, areTokensEqual, createToken, HELLO_BYTES_MAX, sendHello, TOKEN_BYTES } from './handshake.js';
export { RowCodec } from './row-codec.js';
export { SHAPE_FIELD_CHARS_MAX, SHAPE_FIELDS_MAX, SHAPES_MAX, SHAPES_NESTED_MAX } from './shape-table.js';
export { checkSocketPath, SOCKET_PATH_BYTES_MAX } from './socket-path.js';
export { decodeValue, encodeValue, readValue, writeValue } from './value-codec.js';
export { VALUE_DEPTH_MAX } from './value-format.js';
export type { Batch, Change, MigratedRows, MigrationStep, OwnershipStep, TableChanges } from './batch.js';
export type { Cast, CastEnding, CastTotals, Delivery } from './cast.js';
export type {
  CastRequest,
  CastsPage,
  LetterReason,
  LettersPage,
  OutboxGrant,
  StoredLetter,
  Submission,
} from './cast-request.js';
export type { ChangeRecord } from './change-record.js';
export type { CallMessage, Outcome, OutcomesByWorker, RepliesMessage } from './call-messages.js';
export type { Fault, FaultAction } from './failpoint.js';
export type { KeptOutcome, OutcomeKeeping, OutcomeKey } from './outcome-key.js';
export type { Checked, FieldCheck } from './field.js';
export type { Lifeline, LifelineOptions } from './lifeline.js';
export type {
  ChangedMessage,
  ExpectMessage,
  FencedMessage,
  KeeperReadyMessage,
  MailMessage,
  MovedMessage,
  RequestMessage,
  ResponseMessage,
  ResumeMessage,
  ViolatedMessage,
  WelcomeMessage,
} from './keeper-messages.js';
export type {
  ChangesPage,
  EpochClosed,
  EpochOpened,
  ImagePage,
  KeeperRequest,
  KeptRow,
  OutcomeFinding,
  SnapshotPage,
} from './keeper-request.js';
export type { ControlMessage, ErrorMessage, FrameSink, Role } from './messages.js';
export type {
  MigrationGrant,
  MigrationProgress,
  RowForm,
  StoredShape,
  TableDeclaration,
  TableGrant,
} from './table-grant.js';
export type { Adoption, ElsewhereTable, TableMove, TransferNotice } from './table-move.js';
export type {
  ActivateMessage,
  ActiveMessage,
  AskMessage,
  CrashMessage,
  KeeperLostMessage,
  KeeperMessage,
  LeaveMessage,
  ReadyMessage,
  StopMessage,
  TimerDueMessage,
} from './worker-messages.js';
export type { ConnectOptions, Server } from './connect.js';
export type { CloseReason, ConnectionOptions } from './connection.js';
export type { EncodedError, ErrorClass } from './error-codec.js';
export type { WireErrorCode } from './errors.js';
export type { FrameParserOptions } from './frame.js';
export type { Hello } from './handshake.js';
export type { EncodedShape, EncodedShapes } from './shape-table.js';
