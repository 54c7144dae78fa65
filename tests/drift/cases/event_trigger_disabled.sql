-- finds: event-trigger-enabled | event trigger watcher
ALTER EVENT TRIGGER watcher DISABLE;
