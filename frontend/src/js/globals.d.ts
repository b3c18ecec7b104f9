declare module 'virtual:icons' {
  const address: string;
  export default address;
}
declare module '*.css';
declare module 'aos' {
  const AOS: { init(options?: Record<string, unknown>): void; refresh(): void };
  export default AOS;
}
