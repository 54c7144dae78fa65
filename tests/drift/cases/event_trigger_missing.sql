-- finds: event-trigger-missing | event trigger watcher
DROP EVENT TRIGGER watcher;
