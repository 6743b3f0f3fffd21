import { MemoryStore } from '../support/stores/memory-store.ts';
import { storeContract } from './store-contract.ts';

storeContract('the maps that tests use', async () => ({ store: new MemoryStore(), close: async () => {} }));
